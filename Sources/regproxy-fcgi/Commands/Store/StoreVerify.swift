internal import ArgumentParser
internal import Glibc
internal import RegistryHandler

/// `regproxy-fcgi store verify`: hashes every blob again.
struct StoreVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Hash every blob again, and read every record.",
    discussion: "Exits with 0 when all is well or was repaired, 65 when something is wrong, 66 when there is no store."
  )

  @OptionGroup var options: ConfigurationOptions

  @Flag(help: "Move what is wrong to quarantine/ in the store: it is fetched again when it is asked for.")
  var repair = false

  @Flag(help: "Print the findings as JSON, one object a line, and then a summary.")
  var json = false

  private struct Summary: Encodable {
    let blobs: Int
    let bytes: Int64
    let findings: Int
    let repaired: Int
  }

  func run() throws {
    let store = try options.openStore()
    var verification = StoreVerification(store)
    let showsProgress = isatty(STDERR_FILENO) == 1
    let findings = verification.run { if showsProgress { Self.show($0) } }
    if showsProgress { Self.write("\r\u{1B}[K") }
    var repaired = 0
    for finding in findings {
      guard repair else {
        report(finding, "run with --repair to have it fetched again")
        continue
      }
      do {
        switch try verification.repair(finding, now: Int64(time(nil))) {
        case .moved: report(finding, "moved to quarantine/")
        case .needless: report(finding, "it has been put right meanwhile")
        }
        repaired += 1
      } catch {
        report(finding, "it stays")
        Self.write("regproxy-fcgi: \(error)\n")
      }
    }
    let summary = Summary(
      blobs: verification.blobCount,
      bytes: verification.progress.total,
      findings: findings.count,
      repaired: repaired
    )
    if json {
      printJSON(summary)
    } else {
      print("\(summary.blobs) blobs, \(summary.bytes) bytes: \(summary.findings) wrong, \(summary.repaired) repaired")
    }
    if repaired < findings.count { throw ExitCode(ExitStatus.dataError.rawValue) }
  }

  private func report(_ finding: StoreVerification.Finding, _ remedy: String) {
    if json {
      printJSON(finding)
    } else {
      print("WRONG  \(finding.path): \(finding.problem); \(remedy)")
    }
  }

  private static func show(_ progress: StoreVerification.Progress) {
    let width = 40
    let share = progress.total > 0 ? Double(progress.done) / Double(progress.total) : 1
    let full = Int(share * Double(width))
    let bar = String(repeating: "#", count: full) + String(repeating: ".", count: width - full)
    write("\r[\(bar)] \(Int(share * 100)) %")
  }

  private static func write(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
  }
}
