internal import CFastCGI
internal import Glibc
internal import Synchronization

/// A descriptor to poll together with sockets; any thread can make it ready.
final class WakeupDescriptor: Sendable {
  let descriptor: Int32
  private let signalled = Atomic<Bool>(false)

  /// True if the descriptor was signalled since the last `clear()`.
  var isSignalled: Bool { signalled.load(ordering: .acquiring) }

  init() throws(WorkerError) {
    descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    guard descriptor >= 0 else { throw .noDescriptor(errno) }
  }

  deinit { close(descriptor) }

  func signal() {
    signalled.store(true, ordering: .releasing)
    var one: UInt64 = 1
    _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
  }

  func clear() {
    signalled.store(false, ordering: .releasing)
    var count: UInt64 = 0
    _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
  }
}
