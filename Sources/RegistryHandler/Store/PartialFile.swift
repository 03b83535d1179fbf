internal import Glibc
package import NIOCore
internal import SystemPackage

/// A blob that is being written: hashed as it grows, given its final name when the digest is right.
///
/// Used by one task at a time. It holds the lock on its path, so that no two processes write the same file.
package final class PartialFile {
  package let file: OpenFile
  private let digest: Digest
  private let store: Store
  private var hash: RunningHash
  private var isFinished = false
  package private(set) var length: Int64 = 0

  /// Begins a blob anew. Blocks.
  ///
  /// Where another process is writing the same blob, this one writes beside it: a rename over the same bytes is harmless.
  package init(_ digest: Digest, in store: Store) throws(StoreError) {
    let path = store.layout.partial(digest)
    try store.fileSystem.makeDirectory(FileSystem.parent(of: path))
    if let file = try Self.openLocked(path) {
      self.file = file
    } else if let file = try Self.openLocked("\(path).\(getpid())") {
      self.file = file
    } else {
      throw StoreError("lock", path, .resourceTemporarilyUnavailable)
    }
    try file.truncate()
    self.digest = digest
    self.store = store
    self.hash = RunningHash(digest.algorithm)
  }

  deinit {
    if !isFinished { discard() }
  }

  /// Appends a chunk. Blocks.
  package func append(_ chunk: ByteBuffer) throws(StoreError) {
    try file.write(chunk, at: length)
    chunk.withUnsafeReadableBytes { hash.update($0) }
    length += Int64(chunk.readableBytes)
  }

  /// Whether the bytes are those of the digest.
  package func isVerified() -> Bool { hash.hex() == digest.hex }

  /// Brings the verified bytes to the disk and gives them their name. Blocks.
  package func promote() throws(StoreError) {
    try file.setModificationTime(Store.blobModificationTime)
    try file.synchronize()
    try store.fileSystem.promote(file.path, to: store.layout.blob(digest))
    isFinished = true
  }

  /// Removes the file; those who have it open keep reading.
  package func discard() {
    isFinished = true
    store.fileSystem.remove(file.path)
  }

  private static func openLocked(_ path: String) throws(StoreError) -> OpenFile? {
    while true {
      let file = try OpenFile(path, .readWrite, [.create, .closeOnExec, .noFollow])
      guard file.tryLock() else { return nil }
      // Between opening and locking, the last holder may have renamed or removed it.
      if file.isStillAtItsPath() { return file }
    }
  }
}
