internal import Glibc

/// The directory tree that holds everything the proxy keeps. The files are the truth: nothing is remembered beside them.
///
/// All methods block; they are called on threads of our own.
package final class Store: Sendable {
  /// The time of change of every blob, so that nginx's `ETag`, made of time and size, is the same on every node.
  package static let blobModificationTime = 1_000_000_000

  package let layout: StoreLayout
  package let fileSystem = FileSystem()
  package let usage: StoreUsage
  /// Seconds since 1970, of which uses are recorded.
  let now: @Sendable () -> Int64

  /// Opens the store, making its top directories where they are missing.
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

  /// A path for a file that is being written, in the same file system, that no other writer uses.
  ///
  /// Random, as processes of several containers may share the store and have the same number.
  package func makeTemporaryPath() -> String {
    "\(layout.partials)/record-\(String(UInt64.random(in: .min ... .max), radix: 16))"
  }

  /// The size of a verified blob in bytes; `nil` when it is not here.
  package func size(of digest: Digest) -> Int64? { fileSystem.size(of: layout.blob(digest)) }

  /// The size of a verified blob that is about to be served, in bytes; `nil` when it is not here. Its use is recorded, once
  /// a minute at most.
  package func touch(_ digest: Digest) -> Int64? {
    let path = layout.blob(digest)
    guard let use = fileSystem.status(of: path) else { return nil }
    let now = now()
    if now - use.accessTime >= EvictionPolicy.useInterval { fileSystem.setAccessTime(of: path, to: now) }
    return use.size
  }

  /// Opens a verified blob; `nil` when it is not here.
  package func open(_ digest: Digest) -> OpenFile? { try? OpenFile(reading: layout.blob(digest)) }

  /// Whether upstream has proved that the repository contains the blob.
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

  /// Records a use whenever the last one was: who looked at the blobs before, for one to evict, knew nothing of the repository
  /// that has it now, nor whether it is pinned.
  func touchNewlyLinked(of digest: Digest) { fileSystem.setAccessTime(of: layout.blob(digest), to: now()) }

  /// Keeps bytes whose digest the caller has computed.
  package func keep(_ bytes: [UInt8], as digest: Digest) throws(FileError) {
    let path = layout.blob(digest)
    if fileSystem.size(of: path) == Int64(bytes.count) { return }
    let temporary = makeTemporaryPath()
    try fileSystem.writeNew(bytes, to: temporary, times: (accessTime: now(), modificationTime: Self.blobModificationTime))
    do {
      try fileSystem.promote(temporary, to: path)
    } catch {
      fileSystem.remove(temporary)
      throw error
    }
    usage.add(StoreUsage.taken(by: Int64(bytes.count)))
  }

  /// Whether a file can be written and renamed now: what readiness means.
  package func probe() throws(FileError) {
    let path = makeTemporaryPath()
    try fileSystem.writeNew([], to: path)
    fileSystem.remove(path)
  }
}
