internal import FoundationEssentials
internal import SystemPackage

/// What is known of a manifest in one repository. Its bytes are a blob.
package struct ManifestRecord: Codable, Equatable, Sendable {
  package var mediaType: String

  /// The record as it is written here, without the cost of a general parser: it is read with every cached manifest.
  init?(compactJSON json: [UInt8]) {
    let (start, end) = (Array(#"{"mediaType":""#.utf8), Array(#""}"#.utf8))
    guard json.starts(with: start), json.count > start.count + end.count, json.suffix(end.count).elementsEqual(end)
    else { return nil }
    let text = json[start.count..<(json.count - end.count)]
    guard text.allSatisfy({ $0.isVisible && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) else { return nil }
    mediaType = String(decoding: text, as: UTF8.self)
  }

  package init(mediaType: MediaType) { self.mediaType = mediaType.description }
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

/// A manifest as it is served.
package struct ServedManifest: Sendable {
  /// The bytes, or the file that they are in where they are many.
  package enum Content: Sendable {
    case bytes([UInt8])
    case file(OpenFile)
  }

  package let digest: Digest
  package let mediaType: MediaType
  /// In bytes.
  package let size: Int64
  package let content: Content

  /// One from upstream, in memory whatever its size.
  init(_ manifest: StoredManifest) {
    self.init(manifest.digest, manifest.mediaType, Int64(manifest.bytes.count), .bytes(manifest.bytes))
  }

  fileprivate init(_ digest: Digest, _ mediaType: MediaType, _ size: Int64, _ content: Content) {
    self.digest = digest
    self.mediaType = mediaType
    self.size = size
    self.content = content
  }
}

extension Store {
  /// The largest manifest that is taken from upstream or read back, in bytes.
  package static let maximumManifestSize = 4 << 20

  /// The largest manifest that is read into memory to be served, in bytes: clients may take it slowly, and many at once.
  package static let maximumSizeInMemory = 64 << 10

  /// The largest record that is read back, in bytes.
  private static let maximumRecordSize = 64 << 10

  /// The manifest, if upstream has proved that the repository contains it and its bytes are here.
  package func manifest(_ digest: Digest, in repository: UpstreamRepository) throws(FileError) -> ServedManifest? {
    let path = layout.blob(digest)
    guard let record = try manifestRecord(at: layout.manifest(digest, in: repository)),
      let mediaType = MediaType(record.mediaType), let file = try fileSystem.open(path)
    else { return nil }
    _ = touch(digest)
    if let bytes = try fileSystem.read(file, upTo: Self.maximumSizeInMemory) {
      return ServedManifest(digest, mediaType, Int64(bytes.count), .bytes(bytes))
    }
    let size = try file.size()
    guard size <= Self.maximumManifestSize else { throw FileError("read", path, .fileTooLarge) }
    return ServedManifest(digest, mediaType, size, .file(file))
  }

  /// Keeps a manifest whose digest the caller has computed, and its link.
  package func keep(_ manifest: StoredManifest, in repository: UpstreamRepository) throws(FileError) {
    try keep(manifest.bytes, as: manifest.digest)
    let record = ManifestRecord(mediaType: manifest.mediaType)
    let path = layout.manifest(manifest.digest, in: repository)
    if try manifestRecord(at: path) != record { try write(record, to: path) }
    touchNewlyLinked(of: manifest.digest)
  }

  /// What is known of a tag; `nil` when nothing is, or what is there cannot be read.
  package func tag(
    _ tag: TagName,
    _ variant: TagVariant = .any,
    in repository: UpstreamRepository
  ) throws(FileError) -> TagRecord? {
    try record(at: layout.tag(tag, variant, in: repository))
  }

  /// The record in a file; `nil` when it cannot be read.
  func recordedTag(at path: String) -> TagRecord? { try? record(at: path) }

  /// The manifest that a tag was last seen as; `nil` when the file cannot be read.
  func digest(ofTagAt path: String) -> Digest? { recordedTag(at: path).flatMap { Digest($0.digest) } }

  package func keep(
    _ record: TagRecord,
    of tag: TagName,
    _ variant: TagVariant = .any,
    in repository: UpstreamRepository
  ) throws(FileError) {
    try write(record, to: layout.tag(tag, variant, in: repository))
    if case .exactly = variant { limitExactRecords(of: tag, in: repository) }
  }

  /// Whether what is known of a manifest can be read.
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
