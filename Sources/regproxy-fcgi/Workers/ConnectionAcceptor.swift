internal import CFastCGI
internal import Glibc

/// One thread's view of the listening socket: hands out connections until it is told to stop.
///
/// The socket may be shared with other processes, so it is never shut down; stopping is a descriptor of our own.
final class ConnectionAcceptor {
  enum Event {
    case connection(Int32)
    case idle
    case stopped
    /// No connection can be had now: most likely the process or the system has no descriptor left.
    case exhausted(Int32)
  }

  /// A peer that sends part of a request and stops. In seconds.
  private static let receiveTimeout = 10

  /// A client that takes nothing for so long holds a thread no longer. In seconds.
  private static let sendTimeout = 60

  private let listener: Int32
  private let stop: WakeupDescriptor
  private let epoll: Int32

  init(listener: Int32, stop: WakeupDescriptor) throws(WorkerError) {
    self.listener = listener
    self.stop = stop
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard epoll >= 0 else { throw .noDescriptor(errno) }
    // Exclusive: one connection wakes one thread, not all of them.
    var listening = epoll_event(events: EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue, data: epoll_data_t(fd: listener))
    var stopping = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(fd: stop.descriptor))
    guard epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &listening) == 0,
      epoll_ctl(epoll, EPOLL_CTL_ADD, stop.descriptor, &stopping) == 0
    else {
      let code = errno
      close(epoll)
      throw .noDescriptor(code)
    }
  }

  deinit { close(epoll) }

  /// Waits for a connection. Blocks.
  /// - Parameter milliseconds: after which it returns `.idle`.
  func next(timeout milliseconds: Int32) -> Event {
    var hasYielded = false
    while !stop.isSignalled {
      // Under load the next one is there already: a thread that is awake takes it and wakes no other.
      let connection = accept4(listener, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
      if connection >= 0 {
        Self.setTimeout(SO_RCVTIMEO, Self.receiveTimeout, on: connection)
        Self.setTimeout(SO_SNDTIMEO, Self.sendTimeout, on: connection)
        return .connection(connection)
      }
      switch errno {
      case EAGAIN where !hasYielded:
        // On a busy machine nginx is about to bring the next one: cheaper than to sleep and be woken for it.
        hasYielded = true
        sched_yield()
      case EAGAIN:
        hasYielded = false
        var event = epoll_event()
        if epoll_wait(epoll, &event, 1, milliseconds) == 0 { return .idle }
      // The peer left, or a signal came.
      case EINTR, ECONNABORTED, EPROTO, EPERM: continue
      default: return .exhausted(errno)
      }
    }
    return .stopped
  }

  /// Whether the peer has gone already: nginx may have given up while the connection stood in the queue.
  static func hasHungUp(_ connection: Int32) -> Bool {
    var descriptor = pollfd(fd: connection, events: CFASTCGI_POLLRDHUP, revents: 0)
    return poll(&descriptor, 1, 0) > 0
  }

  private static func setTimeout(_ option: Int32, _ seconds: Int, on descriptor: Int32) {
    // A `struct timeval`: seconds, then microseconds.
    var time = [seconds, 0]
    setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(time.count * MemoryLayout<Int>.stride))
  }
}
