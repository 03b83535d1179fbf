internal import ArgumentParser
internal import RegistryHandler

/// `regproxy-fcgi store rm`: removes images.
struct StoreRemove: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm",
    abstract: "Remove a repository, a tag, an image or a blob, and everything only it needs.",
    discussion: """
      docker.io/library/alpine             all of the repository
      docker.io/library/alpine:3.20        the tag, and its image if no other tag or index has it
      docker.io/library/alpine@sha256:...  the image with its tags, or the blob, of this repository
      sha256:...                           the blob, in all repositories

      Removed content is fetched again on its next pull. Exits with 66 if a name is not in the store.
      """
  )

  @OptionGroup var options: ConfigurationOptions

  @Flag(name: [.customShort("n"), .long], help: "Show what would be removed, and remove nothing.")
  var dryRun = false

  @Flag(help: "Print one JSON object for each name.")
  var json = false

  @Argument(help: "The names to remove, as printed by 'store ls'.")
  var names: [String]

  private struct Line: Encodable {
    let name: String
    let tags: Int
    let links: Int
    let blobs: Int
    let bytes: Int64
    let isDryRun: Bool

    private enum CodingKeys: String, CodingKey {
      case name, tags, links, blobs, bytes
      case isDryRun = "dryRun"
    }
  }

  func run() throws {
    let targets = try names.map { name in
      guard let target = StoreRemoval.Target(name) else {
        throw ExitCode.failure(
          "'\(name)' is not an image: use upstream/repository, with :tag or @digest, as in 'store ls', or a digest",
          .usage
        )
      }
      return (name, target)
    }
    let removal = StoreRemoval(try options.openStore())
    var missing: [String] = []
    for (name, target) in targets {
      let plan = removal.plan(target)
      guard !plan.isEmpty else {
        missing.append(name)
        continue
      }
      if !dryRun { removal.carryOut(plan) }
      report(name, plan)
    }
    guard missing.isEmpty else {
      let names = missing.joined(separator: ", ")
      throw ExitCode.failure("not in the store: \(names); 'store ls' lists the images", .noInput)
    }
  }

  private func report(_ name: String, _ plan: StoreRemoval.Plan) {
    if json {
      JSONLines.print(
        Line(
          name: name,
          tags: plan.tags.count,
          links: plan.links.count,
          blobs: plan.blobs.count,
          bytes: plan.bytes,
          isDryRun: dryRun
        )
      )
    } else {
      let verb = dryRun ? "would remove" : "removed"
      print("\(name): \(verb) \(plan.tags.count) tag records, \(plan.blobs.count) blobs, \(ByteCount.text(plan.bytes))")
    }
  }
}
