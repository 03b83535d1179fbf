internal import Glibc

/// The signals that the worker obeys, received on one thread; all other threads block them, as libfcgi abandons a write
/// that a signal interrupts.
enum Signals {
  enum Order {
    case stop
    case reload
  }

  private static func makeSet() -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in [SIGTERM, SIGINT, SIGUSR1, SIGHUP] { sigaddset(&set, signal) }
    return set
  }

  /// Blocks the signals in this thread and the threads it starts. Call before any other thread exists.
  static func block() {
    var set = makeSet()
    pthread_sigmask(SIG_BLOCK, &set, nil)
    signal(SIGPIPE, SIG_IGN)
  }

  /// Waits for the next signal. Blocks.
  static func next() -> Order {
    var set = makeSet()
    var number: Int32 = 0
    while sigwait(&set, &number) != 0 {}
    return number == SIGHUP ? .reload : .stop
  }
}
