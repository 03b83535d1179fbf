internal import Synchronization
internal import SystemPackage

extension Evictor {
  /// Runs while no other thread or process evicts; returns false where one does.
  @discardableResult
  func withEvictorLock(_ body: (inout EvictionScan) -> Void) -> Bool {
    withLock(store.layout.evictorLock) { scan.withLock { body(&$0) } }
  }

  /// Runs while no other thread or process holds the lock on a file; returns false where one does.
  @discardableResult
  func withLock(_ path: String, _ body: () -> Void) -> Bool {
    guard let file = try? OpenFile(path, .readWrite, [.create, .closeOnExec, .noFollow]), file.tryLock() else {
      return false
    }
    defer { file.unlock() }
    body()
    return true
  }

  /// Runs while no other thread or process admits a download, so that counts and records agree. Blocks briefly.
  func withAdmissionLock<Value>(_ body: () -> Value) -> Value {
    admissions.withLock { _ in
      // Without descriptors, downloads of other processes may be admitted at the same time, which costs exactness.
      let file = try? OpenFile(store.layout.admissionLock, .readWrite, [.create, .closeOnExec, .noFollow])
      file?.lock()
      defer { file?.unlock() }
      return body()
    }
  }
}
