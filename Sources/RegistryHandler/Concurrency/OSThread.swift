internal import Glibc

/// Starts threads that Swift's concurrency does not own, for code that blocks.
package enum OSThread {
  private final class Start {
    let body: @Sendable () -> Void

    init(body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// The size of a stack in bytes, large enough for libfcgi and the Swift code above it.
  ///
  /// A thousand of them use address space, not memory.
  private static let stackSize = 1 << 20

  /// Starts a detached thread, which inherits the signal mask of the caller.
  /// - Returns: whether the system granted the thread.
  @discardableResult
  package static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, stackSize)
    let argument = Unmanaged.passRetained(Start(body: body))
    var thread = pthread_t()
    let code = pthread_create(
      &thread,
      &attributes,
      { pointer in
        guard let pointer else { return nil }
        Unmanaged<Start>.fromOpaque(pointer).takeRetainedValue().body()
        return nil
      },
      argument.toOpaque()
    )
    if code != 0 { argument.release() }
    return code == 0
  }
}
