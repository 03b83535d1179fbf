internal import FoundationEssentials

/// The record of a blob that is being downloaded: enough to follow the download and to resume it.
package struct PartialRecord: Codable, Equatable, Sendable {
  /// The size of the whole blob in bytes; `nil` when upstream did not announce it.
  package var size: Int64?
  /// The strong validator that upstream sent.
  package var etag: String?
  /// The origin of the bytes: upstream has proved that this repository contains the blob.
  package var upstream: String
  package var repository: String
  /// The way of access by which the bytes were got; absent for the anonymous one.
  package var access: String?
  /// True if the total of the store includes the size already; otherwise absent.
  package var isReserved: Bool?

  package init(size: Int64?, etag: String?, origin: UpstreamRepository) {
    self.size = size
    self.etag = etag
    upstream = origin.upstream.description
    repository = origin.name.description
    access = origin.access == .anonymous ? nil : origin.access.rawValue
  }

  /// Returns a copy that says whether the total of the store includes the size.
  package func reserved(_ isReserved: Bool) -> PartialRecord {
    var copy = self
    copy.isReserved = isReserved ? true : nil
    return copy
  }

  /// The repository that the bytes come from; `nil` when the record is corrupt.
  package var origin: UpstreamRepository? {
    guard let upstream = UpstreamName(upstream), let repository = RepositoryName(repository),
      let access = access.map({ AccessMode(rawValue: $0) }) ?? .anonymous
    else { return nil }
    return UpstreamRepository(upstream: upstream, name: repository, access: access)
  }
}

extension Store {
  private static let maximumPartialRecordSize = 64 << 10

  /// The record of a download under way or abandoned; `nil` when it does not exist or is unreadable. Blocks.
  package func partialRecord(of digest: Digest) -> PartialRecord? {
    let path = layout.partialRecord(digest)
    guard let json = try? fileSystem.read(path, limit: Self.maximumPartialRecordSize) else { return nil }
    let record = try? JSONDecoder().decode(PartialRecord.self, from: Data(json))
    return record.flatMap { ($0.size ?? 0) >= 0 ? $0 : nil }
  }

  /// Stores the record of a download, not synchronized: if a crash of the machine loses the record, only the partial
  /// blob is lost. Blocks.
  package func keep(_ record: PartialRecord, of digest: Digest) throws(FileError) {
    guard let json = try? JSONEncoder().encode(record) else { return }
    try fileSystem.replace(layout.partialRecord(digest), with: Array(json), by: makeTemporaryPath())
  }
}
