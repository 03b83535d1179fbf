internal import CLibFuzzer
internal import Glibc

/// The program of `make fuzz`: libFuzzer on the parser that `FUZZ_PARSER` names, with libFuzzer's arguments.
///
/// A variable names the parser, because libFuzzer starts itself again for some of its work.
@main
struct ParserFuzzer {
  static func main() {
    let name = getenv("FUZZ_PARSER").map { String(cString: $0) } ?? ""
    guard let parser = Parser(rawValue: name) else {
      for parser in Parser.allCases { print(parser.rawValue) }
      exit(name.isEmpty ? EX_OK : EX_USAGE)
    }
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    exit(LLVMFuzzerRunDriver(&count, &arguments, parser.callback))
  }
}

/// The parsers, each with a function that parses bytes and checks the properties of the result.
enum Parser: String, CaseIterable {
  case request, names, range, challenge, token, location, manifest, records, link, glob, log, yaml

  typealias Callback = @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32

  var callback: Callback {
    switch self {
    case .request: { FuzzInput($0, $1).check { $0.checkRequest() } }
    case .names: { FuzzInput($0, $1).check { $0.checkNames() } }
    case .range: { FuzzInput($0, $1).check { $0.checkRange() } }
    case .challenge: { FuzzInput($0, $1).check { $0.checkChallenge() } }
    case .token: { FuzzInput($0, $1).check { $0.checkToken() } }
    case .location: { FuzzInput($0, $1).check { $0.checkLocation() } }
    case .manifest: { FuzzInput($0, $1).check { $0.checkManifest() } }
    case .records: { FuzzInput($0, $1).check { $0.checkRecords() } }
    case .link: { FuzzInput($0, $1).check { $0.checkLink() } }
    case .glob: { FuzzInput($0, $1).check { $0.checkGlob() } }
    case .log: { FuzzInput($0, $1).check { $0.checkLog() } }
    case .yaml: { FuzzInput($0, $1).check { $0.checkConfiguration() } }
    }
  }
}
