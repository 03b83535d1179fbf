internal import ArgumentParser
internal import FoundationEssentials
internal import RegistryHandler

/// `regproxy-fcgi store ls`: lists the images.
struct StoreList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls",
    abstract: "List the images with size and last use.",
    discussion: "The size counts only what is stored of an image: layers that were never pulled are missing."
  )

  @OptionGroup var options: ConfigurationOptions

  @Flag(help: "Print one JSON object per line.")
  var json = false

  @Argument(help: "Only this upstream or repository, such as docker.io or docker.io/library/alpine.")
  var name: String?

  private struct Line: Encodable {
    let upstream: String
    let repository: String
    let tags: [String]
    let digest: String
    let size: Int64
    let lastUse: String
  }

  func run() throws {
    let images = StoreInventory(try options.openStore())
      .images { repository in
        guard let name else { return true }
        return repository.description == name || repository.upstream.description == name
      }
    guard !json else {
      for image in images { JSONLines.print(Self.line(image)) }
      return
    }
    let rows = images.map { image in
      let tags = image.tags.isEmpty ? "-" : image.tagList
      return [
        image.repository.description, tags, ByteCount.text(image.size), Self.time(image.accessTime),
        image.digest.description,
      ]
    }
    TextTable([["IMAGE", "TAGS", "SIZE", "LAST USE", "DIGEST"]] + rows).print()
  }

  private static func line(_ image: StoreInventory.Image) -> Line {
    Line(
      upstream: image.repository.upstream.description,
      repository: image.repository.name.description,
      tags: image.tags.map(\.description),
      digest: image.digest.description,
      size: image.size,
      lastUse: time(image.accessTime)
    )
  }

  /// Returns a time in UTC. <https://www.rfc-editor.org/rfc/rfc3339>
  private static func time(_ seconds: Int64) -> String {
    Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
  }
}
