internal import Glibc

/// The directory tree of blobs, links, manifests and tags. The files are the only truth: no state is held beside them.
///
/// All methods block: they are called on threads of our own.
package final class Store: Sendable {
  /// The mtime of every blob, so that nginx's `ETag`, made of mtime and size, is the same on every node.
  package static let blobModificationTime = 1_000_000_000

  /// The shortest time between two recorded uses of a blob, in seconds.
  package static let accessTimeInterval: Int64 = 60

  package let layout: StoreLayout
  package let fileSystem = FileSystem()
  package let usage: StoreUsage
  /// The clock of access times, in seconds since 1970.
  let now: @Sendable () -> Int64

  /// Opens the store and creates its top directories where they are missing.
  /// - Parameters:
  ///   - directory: an absolute path.
  ///   - now: seconds since 1970.
  package init(
    directory: String,
    now: @escaping @Sendable () -> Int64 = { Int64(time(nil)) }
  ) throws(FileError) {
    self.now = now
    layout = StoreLayout(root: directory)
    usage = StoreUsage(path: layout.usage)
    for path in [layout.blobs, layout.partials, layout.repositories] { try fileSystem.makeDirectory(path) }
  }

  /// A path for a file that is renamed later, in the same file system, that no other writer uses.
  ///
  /// Random, since processes of several containers may share the store and have the same process ID.
  package func makeTemporaryPath() -> String { layout.temporaryFile(.random(in: .min ... .max)) }

  /// The size of a verified blob in bytes; `nil` when the blob is not stored.
  package func size(of digest: Digest) -> Int64? { fileSystem.size(of: layout.blob(digest)) }

  /// Records a use of a verified blob that is about to be served, once a minute at most.
  /// - Returns: the size of the blob in bytes; `nil` when the blob is not stored.
  package func touch(_ digest: Digest) -> Int64? {
    let path = layout.blob(digest)
    guard let status = fileSystem.status(of: path) else { return nil }
    let now = now()
    if now - status.accessTime >= Self.accessTimeInterval { fileSystem.setAccessTime(of: path, to: now) }
    return status.size
  }

  /// Returns whether a partial file of the blob exists, in use or abandoned.
  package func hasPartial(_ digest: Digest) -> Bool { fileSystem.status(of: layout.partial(digest)) != nil }

  /// Returns whether a partial file of the blob could be created, as far as permissions tell.
  package func canCreatePartial(_ digest: Digest) -> Bool {
    let directory = FileSystem.parent(of: layout.partial(digest))
    return fileSystem.isWritableDirectory(directory)
      || !fileSystem.exists(directory) && fileSystem.isWritableDirectory(layout.partials)
  }

  /// Opens a verified blob; returns `nil` when the blob is not stored.
  package func open(_ digest: Digest) -> OpenFile? { try? OpenFile(reading: layout.blob(digest)) }

  /// Reads a verified blob of a size in bytes; returns `nil` when the blob is not stored, or cannot be read whole.
  package func read(_ digest: Digest, size: Int64) -> [UInt8]? {
    guard let file = open(digest), let bytes = try? fileSystem.read(file, upTo: Int(size)),
      bytes.count == Int(size)
    else { return nil }
    return bytes
  }

  /// Returns whether upstream has proved that the repository contains the blob.
  package func hasLink(to digest: Digest, in repository: UpstreamRepository) -> Bool {
    fileSystem.size(of: layout.blobLink(digest, in: repository)) != nil
  }

  /// Records that upstream has proved that the repository contains the blob.
  package func link(_ digest: Digest, in repository: UpstreamRepository) throws(FileError) {
    let path = layout.blobLink(digest, in: repository)
    if fileSystem.size(of: path) != nil { return }
    try fileSystem.writeAtomically([], to: path, by: makeTemporaryPath())
    touchNewlyLinked(of: digest)
  }

  /// Records a use unconditionally: an evictor that scanned earlier does not know the new link, nor that it is pinned.
  func touchNewlyLinked(of digest: Digest) { fileSystem.setAccessTime(of: layout.blob(digest), to: now()) }

  /// Stores bytes whose digest the caller has computed.
  package func keep(_ bytes: [UInt8], as digest: Digest) throws(FileError) {
    let path = layout.blob(digest)
    if fileSystem.size(of: path) == Int64(bytes.count) { return }
    let temporary = makeTemporaryPath()
    let times = (accessTime: now(), modificationTime: Self.blobModificationTime)
    try fileSystem.writeNew(bytes, to: temporary, times: times)
    do {
      try fileSystem.promote(temporary, to: path)
    } catch {
      fileSystem.remove(temporary)
      throw error
    }
    usage.add(StoreUsage.taken(by: Int64(bytes.count)))
  }

  /// Checks for readiness that a file can be written.
  package func probe() throws(FileError) {
    let path = makeTemporaryPath()
    try fileSystem.writeNew([], to: path)
    fileSystem.remove(path)
  }
}
