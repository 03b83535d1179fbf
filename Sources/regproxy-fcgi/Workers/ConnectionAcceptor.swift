internal import CFastCGI
internal import Glibc

/// The listening socket as one event loop sees it.
///
/// Other processes may share the socket, so it is never shut down.
struct ConnectionAcceptor: ~Copyable {
  enum Event {
    case connection(Int32)
    /// No connection is queued.
    case none
    /// No connection can be accepted now: most likely the process or the system is out of descriptors.
    case exhausted(Int32)
  }

  /// The pause after a connection could not be accepted: it stays queued, and a retry at once would burn the processor.
  private static let pause: Duration = .milliseconds(100)

  let listener: Int32
  private let poll: EventPoll
  private var isWatching = false
  /// False after an attempt in vain, until an event tells of a connection.
  private(set) var mayHaveConnection = true
  private var resumesAt: ContinuousClock.Instant?

  init(_ listener: Int32, _ poll: EventPoll) {
    self.listener = listener
    self.poll = poll
    watch()
  }

  /// Returns the milliseconds after which to try again; `nil` where an event will tell.
  var timeout: Int32? { resumesAt == nil ? nil : 100 }

  /// Accepts a connection that is queued.
  mutating func next() -> Event {
    if let resumesAt {
      guard .now >= resumesAt else { return .none }
      self.resumesAt = nil
      mayHaveConnection = true
      watch()
    }
    while true {
      let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
      let connection = accept4(listener, nil, nil, flags)
      if connection >= 0 { return .connection(connection) }
      switch errno {
      case EAGAIN:
        mayHaveConnection = false
        return .none
      // The peer disconnected, or a signal arrived.
      case EINTR, ECONNABORTED, EPROTO, EPERM: continue
      default:
        let code = errno
        resumesAt = .now + Self.pause
        stop()
        return .exhausted(code)
      }
    }
  }

  /// Notes that a connection may be queued.
  mutating func noteReadable() { mayHaveConnection = true }

  /// Stops watching the socket.
  mutating func stop() {
    if isWatching { poll.remove(listener) }
    isWatching = false
  }

  private mutating func watch() {
    isWatching = poll.add(listener, [.readable, .exclusive])
    if !isWatching { resumesAt = .now + Self.pause }
  }
}
