internal import CFastCGI
internal import Glibc

/// One thread's access to the listening socket: hands out connections until stopped.
///
/// Other processes may share the socket, so it is never shut down; a separate descriptor signals the stop.
final class ConnectionAcceptor {
  enum Event {
    case connection(Int32)
    case idle
    case stopped
    /// No connection can be accepted now: most likely the process or the system is out of descriptors.
    case exhausted(Int32)
  }

  /// The longest wait for the rest of a request from a peer that sent part of it, in seconds.
  private static let receiveTimeout = 10

  /// The longest time that a client may hold a thread without accepting any data, in seconds.
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
  /// - Parameter milliseconds: the time until it returns `.idle`.
  func next(timeout milliseconds: Int32) -> Event {
    var hasYielded = false
    while !stop.isSignalled {
      // Under load the next connection is already queued: a running thread accepts it and wakes no other.
      let connection = accept4(listener, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
      if connection >= 0 {
        Self.setTimeout(SO_RCVTIMEO, Self.receiveTimeout, on: connection)
        Self.setTimeout(SO_SNDTIMEO, Self.sendTimeout, on: connection)
        return .connection(connection)
      }
      switch errno {
      case EAGAIN where !hasYielded:
        // On a busy machine nginx is about to connect: a yield is cheaper than to sleep and be woken.
        hasYielded = true
        sched_yield()
      case EAGAIN:
        hasYielded = false
        var event = epoll_event()
        if epoll_wait(epoll, &event, 1, milliseconds) == 0 { return .idle }
      // The peer disconnected, or a signal arrived.
      case EINTR, ECONNABORTED, EPROTO, EPERM: continue
      default: return .exhausted(errno)
      }
    }
    return .stopped
  }

  /// Returns whether the peer has disconnected: nginx may have given up while the connection was queued.
  static func hasHungUp(_ connection: Int32) -> Bool {
    var descriptor = pollfd(fd: connection, events: CFASTCGI_POLLRDHUP, revents: 0)
    return poll(&descriptor, 1, 0) > 0
  }

  private static func setTimeout(_ option: Int32, _ seconds: Int, on descriptor: Int32) {
    // Laid out like `struct timeval`: seconds, then microseconds.
    var time = [seconds, 0]
    setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(time.count * MemoryLayout<Int>.stride))
  }
}
