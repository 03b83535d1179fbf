internal import Glibc
package import NIOCore
internal import SystemPackage

/// A blob that is being written: hashed as it grows, given its final name when the digest is right.
///
/// Used by one task at a time. It holds the lock on its path, so that no two processes write the same file; whoever
/// finds the lock taken follows the file instead.
package final class PartialFile {
  /// Who may write a blob.
  package enum Claim {
    case mine(PartialFile)
    /// Another writes it, in this process or in another one: the file grows.
    case taken(OpenFile)
  }

  package let file: OpenFile
  private let digest: Digest
  private let store: Store
  /// Of all that is there; `nil` while the beginning has not been needed.
  private var hash: ContentHasher?
  private var isFinished = false
  package private(set) var length: Int64 = 0

  /// Takes the right to write a blob, going on where whoever had it last has ended. Blocks.
  package static func claim(_ digest: Digest, in store: Store) throws(FileError) -> Claim {
    let path = store.layout.partial(digest)
    try store.fileSystem.makeDirectory(FileSystem.parent(of: path))
    while true {
      let file = try OpenFile(path, .readWrite, [.create, .closeOnExec, .noFollow])
      guard file.tryLock() else { return .taken(file) }
      // Between opening and locking, the last holder may have renamed or removed it.
      guard file.isStillAtItsPath() else { continue }
      return .mine(PartialFile(file, digest, store, length: try file.size()))
    }
  }

  private init(_ file: OpenFile, _ digest: Digest, _ store: Store, length: Int64) {
    self.file = file
    self.digest = digest
    self.store = store
    self.length = length
  }

  deinit { release() }

  /// Keeps what upstream has said of the blob, for those who follow the file from now on. Blocks.
  package func keep(_ record: PartialRecord) throws(FileError) {
    try store.keep(record, of: digest)
    try file.markRecord()
  }

  /// Appends a chunk. Blocks, the first time as long as it takes to hash what is there.
  package func append(_ chunk: ByteBuffer) throws(FileError) {
    try hashBeginning()
    try file.write(chunk, at: length)
    chunk.withUnsafeReadableBytes { hash?.update($0) }
    length += Int64(chunk.readableBytes)
  }

  /// Whether the bytes are those of the digest. Blocks as `append` does.
  package func isVerified() throws(FileError) -> Bool {
    try hashBeginning()
    return hash?.hex() == digest.hex
  }

  /// Brings the verified bytes to the disk and gives them their name. Blocks.
  package func promote() throws(FileError) {
    try file.setTimes(accessTime: store.now(), modificationTime: Store.blobModificationTime)
    try file.synchronize()
    // After a removal from outside, another process may be writing a file of its own at the same path.
    guard file.isStillAtItsPath() else { throw FileError("keep", file.path, .noSuchFileOrDirectory) }
    try store.fileSystem.promote(file.path, to: store.layout.blob(digest))
    finish(leavingFile: true)
  }

  /// Removes the file, as its bytes are wrong; those who have it open keep reading.
  package func discard() { finish(leavingFile: false) }

  /// Removes the file where the store takes no more, so that it takes no room; where only descriptors are short, which is soon
  /// over, it stays to be gone on with.
  package func giveUp(because error: FileError) { error.isOutOfDescriptors ? release() : discard() }

  /// Leaves what is there to whoever wants to go on with it.
  package func release() {
    guard !isFinished else { return }
    if length == 0 { return discard() }
    isFinished = true
    file.unlock()
  }

  /// - Parameter leavingFile: whether it stays, under whatever name it has now.
  private func finish(leavingFile: Bool) {
    guard !isFinished else { return }
    isFinished = true
    if leavingFile || file.isStillAtItsPath() {
      // First, as the record of whoever makes the next file is at the same path.
      store.fileSystem.remove(store.layout.partialRecord(digest))
      if !leavingFile { store.fileSystem.remove(file.path) }
    }
    // Last, so that who gets the lock sees that the file has gone from its path.
    file.unlock()
  }

  private func hashBeginning() throws(FileError) {
    if hash == nil { hash = try ContentHasher(digest.algorithm, ofFirst: length, in: file) }
  }
}
