internal import FoundationEssentials
internal import SystemPackage

/// What is known of a manifest in one repository. Its bytes are a blob.
package struct ManifestRecord: Codable, Equatable, Sendable {
  package var mediaType: String
}

/// What a tag was last seen as.
package struct TagRecord: Codable, Equatable, Sendable {
  package var digest: String
  package var mediaType: String
  /// In bytes.
  package var size: Int64
  /// In seconds since 1970.
  package var checkedAt: Int64
  /// The validator that upstream sent, where it sent one.
  package var etag: String?

  package init(digest: Digest, mediaType: MediaType, size: Int64, checkedAt: Int64, etag: String?) {
    self.digest = digest.description
    self.mediaType = mediaType.description
    self.size = size
    self.checkedAt = checkedAt
    self.etag = etag
  }
}

/// A manifest with its bytes.
package struct StoredManifest: Equatable, Sendable {
  package let digest: Digest
  package let mediaType: MediaType
  package let bytes: [UInt8]

  package init(digest: Digest, mediaType: MediaType, bytes: [UInt8]) {
    self.digest = digest
    self.mediaType = mediaType
    self.bytes = bytes
  }
}

extension Store {
  /// The largest manifest that is taken from upstream or read back, in bytes.
  package static let maximumManifestSize = 4 << 20

  /// The largest record that is read back, in bytes.
  private static let maximumRecordSize = 64 << 10

  /// The manifest, if upstream has proved that the repository contains it and its bytes are here.
  package func manifest(_ digest: Digest, in place: RepositoryPlace) throws(StoreError) -> StoredManifest? {
    guard let record: ManifestRecord = try record(at: layout.manifest(digest, in: place)),
      let mediaType = MediaType(record.mediaType),
      let bytes = try fileSystem.read(layout.blob(digest), limit: Self.maximumManifestSize)
    else { return nil }
    return StoredManifest(digest: digest, mediaType: mediaType, bytes: bytes)
  }

  /// Keeps a manifest whose digest the caller has computed, and its link.
  package func keep(_ manifest: StoredManifest, in place: RepositoryPlace) throws(StoreError) {
    try keep(manifest.bytes, as: manifest.digest)
    let record = ManifestRecord(mediaType: manifest.mediaType.description)
    let path = layout.manifest(manifest.digest, in: place)
    if let known: ManifestRecord = try self.record(at: path), known == record { return }
    try write(record, to: path)
  }

  /// What is known of a tag; `nil` when nothing is, or what is there cannot be read.
  package func tag(_ tag: Tag, in place: RepositoryPlace) throws(StoreError) -> TagRecord? {
    try record(at: layout.tag(tag, in: place))
  }

  package func keep(_ record: TagRecord, of tag: Tag, in place: RepositoryPlace) throws(StoreError) {
    try write(record, to: layout.tag(tag, in: place))
  }

  private func record<Record: Decodable>(at path: String) throws(StoreError) -> Record? {
    guard let bytes = try fileSystem.read(path, limit: Self.maximumRecordSize) else { return nil }
    return try? JSONDecoder().decode(Record.self, from: Data(bytes))
  }

  private func write(_ record: some Encodable, to path: String) throws(StoreError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    guard let json = try? encoder.encode(record) else { throw StoreError("encode", path, .invalidArgument) }
    try fileSystem.writeAtomically(Array(json), to: path, by: makeTemporaryPath())
  }
}
