internal import FoundationEssentials
internal import SystemPackage

extension Store {
  /// The size of the largest manifest that is accepted from upstream or read back, in bytes.
  package static let maximumManifestSize = 4 << 20

  /// The size of the largest manifest that is served from memory, in bytes: clients may be slow, and many at a time.
  package static let maximumSizeInMemory = 64 << 10

  /// The size of the largest record that is read back, in bytes.
  private static let maximumRecordSize = 64 << 10

  /// The manifest; `nil` unless upstream has proved that the repository contains it and its bytes are stored.
  package func manifest(_ digest: Digest, in repository: UpstreamRepository) throws(FileError) -> ServedManifest? {
    let path = layout.blob(digest)
    guard let record = try manifestRecord(at: layout.manifest(digest, in: repository)),
      let mediaType = MediaType(record.mediaType), let file = try fileSystem.open(path)
    else { return nil }
    _ = touch(digest)
    if let bytes = try fileSystem.read(file, upTo: Self.maximumSizeInMemory) {
      return ServedManifest(digest: digest, mediaType: mediaType, size: Int64(bytes.count), content: .bytes(bytes))
    }
    let size = try file.size()
    guard size <= Self.maximumManifestSize else { throw FileError("read", path, .fileTooLarge) }
    return ServedManifest(digest: digest, mediaType: mediaType, size: size, content: .file(file))
  }

  /// Stores a manifest whose digest the caller has computed, and its link.
  package func keep(_ manifest: StoredManifest, in repository: UpstreamRepository) throws(FileError) {
    try keep(manifest.bytes, as: manifest.digest)
    let record = ManifestRecord(mediaType: manifest.mediaType)
    let path = layout.manifest(manifest.digest, in: repository)
    if try manifestRecord(at: path) != record { try write(record, to: path) }
    touchNewlyLinked(of: manifest.digest)
  }

  /// The record of a tag; `nil` when it does not exist or is unreadable.
  package func tag(
    _ tag: TagName,
    _ variant: TagVariant = .any,
    in repository: UpstreamRepository
  ) throws(FileError) -> TagRecord? {
    try record(at: layout.tag(tag, variant, in: repository))
  }

  /// The tag record in a file; `nil` when it does not exist or is unreadable.
  func recordedTag(at path: String) -> TagRecord? { try? record(at: path) }

  /// The manifest that a tag was last seen as; `nil` when the record does not exist or is unreadable.
  func digest(ofTagAt path: String) -> Digest? { recordedTag(at: path).flatMap { Digest($0.digest) } }

  /// Stores the record of a tag.
  package func keep(
    _ record: TagRecord,
    of tag: TagName,
    _ variant: TagVariant = .any,
    in repository: UpstreamRepository
  ) throws(FileError) {
    try write(record, to: layout.tag(tag, variant, in: repository))
    if case .exactly = variant { limitExactRecords(of: tag, in: repository) }
  }

  /// Returns whether the record of a manifest is readable.
  func hasReadableRecord(of digest: Digest, in repository: UpstreamRepository) -> Bool {
    guard let record = try? manifestRecord(at: layout.manifest(digest, in: repository)) else { return false }
    return MediaType(record.mediaType) != nil
  }

  private func manifestRecord(at path: String) throws(FileError) -> ManifestRecord? {
    guard let bytes = try fileSystem.read(path, limit: Self.maximumRecordSize) else { return nil }
    return ManifestRecord(compactJSON: bytes) ?? (try? JSONDecoder().decode(ManifestRecord.self, from: Data(bytes)))
  }

  private func record<Record: Decodable>(at path: String) throws(FileError) -> Record? {
    guard let bytes = try fileSystem.read(path, limit: Self.maximumRecordSize) else { return nil }
    return try? JSONDecoder().decode(Record.self, from: Data(bytes))
  }

  private func write(_ record: some Encodable, to path: String) throws(FileError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let json = try? encoder.encode(record) else { throw FileError("encode", path, .invalidArgument) }
    try fileSystem.writeAtomically(Array(json), to: path, by: makeTemporaryPath())
  }
}
