internal import CFastCGI
internal import Glibc
internal import Synchronization

/// A descriptor that can be waited for together with sockets, and that any thread makes ready.
final class WakeupDescriptor: Sendable {
  let descriptor: Int32
  private let signalled = Atomic<Bool>(false)

  /// Whether it was signalled since it was last cleared.
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

/// Why a worker thread cannot go on.
enum WorkerError: Error, CustomStringConvertible {
  case noDescriptor(Int32)
  case noThread

  var description: String {
    switch self {
    case .noDescriptor(let code): "no descriptor for a worker thread: \(String(cString: strerror(code)))"
    case .noThread: "the system grants no worker thread: raise its limit of processes"
    }
  }
}
