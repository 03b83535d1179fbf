internal import ArgumentParser
internal import RegistryHandler

/// `regproxy-fcgi store du`: shows the disk usage.
struct StoreDiskUsage: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "du",
    abstract: "Show the disk usage of each upstream and repository.",
    discussion: "Blobs shared by several repositories count once for each, and once in the total."
  )

  @OptionGroup var options: ConfigurationOptions

  @Flag(help: "Print one JSON object per line.")
  var json = false

  private struct Line: Encodable {
    let kind: String
    var upstream: String?
    var repository: String?
    let blobs: Int
    let bytes: Int64
  }

  func run() throws {
    let report = StoreInventory(try options.openStore()).report()
    var lines: [Line] = []
    for (upstream, usage) in report.upstreams.sorted(by: { $0.key < $1.key }) {
      lines.append(Line(kind: "upstream", upstream: "\(upstream)", blobs: usage.blobs, bytes: usage.bytes))
      let repositories = report.repositories.filter { $0.key.upstream == upstream }
      for (repository, usage) in repositories.sorted(by: { $0.key.description < $1.key.description }) {
        lines.append(
          Line(
            kind: "repository",
            upstream: "\(upstream)",
            repository: "\(repository.name)",
            blobs: usage.blobs,
            bytes: usage.bytes
          )
        )
      }
    }
    for (kind, usage) in [("partial", report.partials), ("quarantine", report.quarantine), ("total", report.total)] {
      lines.append(Line(kind: kind, blobs: usage.blobs, bytes: usage.bytes))
    }
    guard !json else {
      for line in lines { JSONLines.print(line) }
      return
    }
    let rows = lines.map { line in
      let name = [line.upstream, line.repository].compactMap { $0 }.joined(separator: "/")
      return [ByteCount.text(line.bytes), "\(line.blobs)", name.isEmpty ? Self.explanation(line.kind) : name]
    }
    TextTable([["SIZE", "BLOBS", "OF"]] + rows).print()
  }

  private static func explanation(_ kind: String) -> String {
    switch kind {
    case "partial": "unfinished downloads"
    case "quarantine": "damaged files, in quarantine/"
    default: "all blobs, each counted once"
    }
  }
}
