internal import Glibc
package import NIOCore
internal import SystemPackage

/// A blob that is being written: hashed while it grows, and renamed once the digest is right.
///
/// Used by one task at a time. The lock on its path keeps two processes from writing the same file; a process that
/// finds the lock taken follows the file instead.
package final class PartialFile {
  /// The result of a claim on a blob.
  package enum Claim {
    /// The caller writes the blob.
    case mine(PartialFile)
    /// Another task or process writes the blob: the file grows.
    case taken(OpenFile)
  }

  package let file: OpenFile
  private let digest: Digest
  private let store: Store
  /// The hash of the whole file; `nil` until the existing beginning is hashed.
  private var hash: ContentHasher?
  private var isFinished = false
  /// The number of bytes written so far.
  package private(set) var length: Int64 = 0

  /// Claims the right to write a blob, and resumes where the last writer stopped. Blocks.
  package static func claim(_ digest: Digest, in store: Store) throws(FileError) -> Claim {
    let path = store.layout.partial(digest)
    try store.fileSystem.makeDirectory(FileSystem.parent(of: path))
    while true {
      let file = try OpenFile(path, .readWrite, [.create, .closeOnExec, .noFollow])
      guard file.tryLock() else { return .taken(file) }
      // Between the opening and the locking, the last holder may have renamed or removed the file.
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

  /// Stores the record of the download for processes that follow the file. Blocks.
  package func keep(_ record: PartialRecord) throws(FileError) {
    try store.keep(record, of: digest)
    try file.markRecord()
  }

  /// Appends a chunk. Blocks, the first time until the existing beginning is hashed.
  package func append(_ chunk: ByteBuffer) throws(FileError) {
    try hashBeginning()
    try file.write(chunk, at: length)
    chunk.withUnsafeReadableBytes { hash?.update($0) }
    length += Int64(chunk.readableBytes)
  }

  /// Returns whether the bytes match the digest. Blocks as `append` does.
  package func isVerified() throws(FileError) -> Bool {
    try hashBeginning()
    return hash?.hex() == digest.hex
  }

  /// Synchronizes the verified bytes and gives the file its name. Blocks.
  package func promote() throws(FileError) {
    try file.setTimes(accessTime: store.now(), modificationTime: Store.blobModificationTime)
    try file.synchronize()
    // After a removal from outside, another process may be writing its own file at the same path.
    guard file.isStillAtItsPath() else { throw FileError("store", file.path, .noSuchFileOrDirectory) }
    try store.fileSystem.promote(file.path, to: store.layout.blob(digest))
    finish(.promoted)
  }

  /// Removes the file, for example because its bytes are wrong; readers that have the file open continue.
  package func discard() { finish(.discarded) }

  /// Deletes the file to free its space. When only descriptors ran out, which is transient, it stays for a resume.
  package func giveUp(because error: FileError) { error.isOutOfDescriptors ? release() : discard() }

  /// Leaves the bytes to the next download, which resumes them.
  package func release() {
    guard !isFinished else { return }
    if length == 0 { return discard() }
    isFinished = true
    file.unlock()
  }

  private enum Ending {
    /// The file stays, under its new name.
    case promoted
    /// The file is removed.
    case discarded
  }

  private func finish(_ ending: Ending) {
    guard !isFinished else { return }
    isFinished = true
    if ending == .promoted || file.isStillAtItsPath() {
      // The record goes first, since the record of the next file has the same path.
      store.fileSystem.remove(store.layout.partialRecord(digest))
      if ending == .discarded { store.fileSystem.remove(file.path) }
    }
    // Unlocked last, so that the next holder of the lock sees that the file is no longer at its path.
    file.unlock()
  }

  private func hashBeginning() throws(FileError) {
    if hash == nil { hash = try ContentHasher(digest.algorithm, ofFirst: length, in: file) }
  }
}
