internal import FoundationEssentials

/// What upstream said of a blob that is being written: enough to follow it, and to go on with it.
package struct PartialRecord: Codable, Equatable, Sendable {
  /// The whole size in bytes; `nil` when upstream told none.
  package var size: Int64?
  /// The strong validator that upstream gave.
  package var etag: String?
  /// Where the bytes come from: for this repository, upstream has proved that it contains the blob.
  package var upstream: String
  package var repository: String
  /// Whether the size is counted in the total of the store already; absent where it is not.
  package var isReserved: Bool?

  package init(size: Int64?, etag: String?, origin: UpstreamRepository) {
    self.size = size
    self.etag = etag
    upstream = origin.upstream.description
    repository = origin.name.description
  }

  /// The same, with or without its size in the total of the store.
  package func reserved(_ isReserved: Bool) -> PartialRecord {
    var copy = self
    copy.isReserved = isReserved ? true : nil
    return copy
  }

  /// The place that the bytes come from; `nil` where the record has been spoilt.
  package var origin: UpstreamRepository? {
    guard let upstream = UpstreamName(upstream), let repository = RepositoryName(repository) else { return nil }
    return UpstreamRepository(upstream: upstream, name: repository)
  }
}

extension Store {
  private static let maximumPartialRecordSize = 64 << 10

  /// What is known of a blob that is being written, or was; `nil` where nothing is, or nothing that can be read. Blocks.
  package func partialRecord(of digest: Digest) -> PartialRecord? {
    let path = layout.partialRecord(digest)
    guard let json = try? fileSystem.read(path, limit: Self.maximumPartialRecordSize) else { return nil }
    let record = try? JSONDecoder().decode(PartialRecord.self, from: Data(json))
    return record.flatMap { ($0.size ?? 0) >= 0 ? $0 : nil }
  }

  /// Keeps what is known of a blob that is being written. A crash of the machine may lose it, which costs what is there of
  /// the blob, nothing more. Blocks.
  package func keep(_ record: PartialRecord, of digest: Digest) throws(FileError) {
    guard let json = try? JSONEncoder().encode(record) else { return }
    try fileSystem.replace(layout.partialRecord(digest), with: Array(json), by: makeTemporaryPath())
  }
}
