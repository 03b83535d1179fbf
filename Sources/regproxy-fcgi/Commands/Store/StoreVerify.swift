internal import ArgumentParser
internal import Glibc
internal import RegistryHandler

/// `regproxy-fcgi store verify`: hashes every blob again.
struct StoreVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Hash every blob again, and read every record.",
    discussion:
      "Exits with 0 if nothing is damaged or all of it was repaired, 65 if damage remains, 66 if there is no store."
  )

  @OptionGroup var options: ConfigurationOptions

  @Flag(help: "Move damaged files to quarantine/ in the store: the next pull fetches them again.")
  var repair = false

  @Flag(help: "Print the findings as JSON, one object per line, and then a summary.")
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
        report(finding, "use --repair to have it fetched again")
        continue
      }
      do {
        switch try verification.repair(finding, now: Int64(time(nil))) {
        case .moved: report(finding, "moved to quarantine/")
        case .needless: report(finding, "no longer damaged")
        }
        repaired += 1
      } catch {
        report(finding, "left in place")
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
      JSONLines.print(summary)
    } else {
      print("\(summary.blobs) blobs, \(summary.bytes) bytes: \(summary.findings) wrong, \(summary.repaired) repaired")
    }
    if repaired < findings.count { throw ExitCode(ExitStatus.dataError.rawValue) }
  }

  private func report(_ finding: StoreVerification.Finding, _ remedy: String) {
    if json {
      JSONLines.print(finding)
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
