internal import CFastCGI
internal import Glibc
internal import NIOCore
internal import RegistryHandler
internal import Synchronization
internal import SystemPackage

/// A connection of nginx, served by a task that is suspended while it waits.
///
/// It belongs to one event loop, on whose thread everything happens.
final class Connection: Sendable {
  /// A connection that the peer has closed, or that has accepted or sent nothing for too long.
  struct Lost: Error {}

  fileprivate struct State {
    /// The suspended task, resumed with whether the descriptor is ready.
    var waiter: UnsafeContinuation<Bool, Never>?
    var awaited: EventPoll.Readiness = []
    var deadline = ContinuousClock.now
    /// The registration of the descriptor with epoll; empty before there is one.
    var interest: EventPoll.Readiness = []
    /// True after an event that nothing waited for: another may not come.
    var mayBeReadable = false
    /// True while the task waits for a further request.
    var isIdle = false
    var hasHungUp = false
    var isFinished = false
    var isClosed = false
    var task: Task<Void, Never>?
  }

  /// The events of every registration. Edges spare a system call for each wait: an event that nothing waited for is
  /// remembered, and a wait for room begins only once there was none.
  private static let interest: EventPoll.Readiness = [.readable, .hungUp, .edge]

  /// The longest time that a peer may accept no byte of a response.
  static let sendTimeout: Duration = .seconds(60)

  let descriptor: Int32
  private let poll: EventPoll
  private let state = Mutex(State())

  init(_ descriptor: Int32, _ poll: EventPoll) {
    self.descriptor = descriptor
    self.poll = poll
  }

  // MARK: - For the event loop

  /// Indicates whether the peer has disconnected: nginx may have given up while the connection was queued.
  var hasHungUp: Bool {
    var descriptor = pollfd(fd: descriptor, events: CFASTCGI_POLLRDHUP, revents: 0)
    return Glibc.poll(&descriptor, 1, 0) > 0
  }

  var isFinished: Bool { state.withLock(\.isFinished) }

  /// Closes the descriptor, unless libfcgi has.
  func close() { if !state.withLock(\.isClosed) { _ = Glibc.close(descriptor) } }

  /// Starts the task of the connection; a hang-up cancels it.
  func start(on executor: LoopExecutor, _ operation: @escaping @Sendable (Connection) async -> Void) {
    let task = Task(executorPreference: executor) { [self] in
      await operation(self)
      state.withLock { state in
        state.isFinished = true
        state.task = nil
      }
      executor.retire(self)
    }
    state.withLock { $0.task = task }
  }

  /// Watches an unfinished connection for a hang-up.
  func watch() {
    let isNew = state.withLock { state in
      guard !state.isFinished, state.interest.isEmpty else { return false }
      state.interest = Self.interest
      return true
    }
    if isNew, !poll.add(descriptor, Self.interest) { end() }
  }

  /// Resumes the task if it waits for what has happened, and cancels it after a hang-up.
  func handle(_ readiness: EventPoll.Readiness) {
    if !readiness.isDisjoint(with: .hungUp) { return end() }
    let waiter = state.withLock { state -> UnsafeContinuation<Bool, Never>? in
      if readiness.contains(.readable), !state.awaited.contains(.readable) { state.mayBeReadable = true }
      return state.awaited.isDisjoint(with: readiness) ? nil : state.takeWaiter()
    }
    waiter?.resume(returning: true)
  }

  /// Ends a wait that has taken too long.
  func checkDeadline(_ now: ContinuousClock.Instant) {
    let waiter = state.withLock { state -> UnsafeContinuation<Bool, Never>? in
      state.waiter != nil && now >= state.deadline ? state.takeWaiter() : nil
    }
    waiter?.resume(returning: false)
  }

  /// Ends a wait for a further request, as the worker stops.
  func endIdleness() {
    let waiter = state.withLock { $0.isIdle ? $0.takeWaiter() : nil }
    waiter?.resume(returning: false)
  }

  private func end() {
    poll.remove(descriptor)
    let (waiter, task) = state.withLock { state in
      state.hasHungUp = true
      return (state.takeWaiter(), state.task)
    }
    task?.cancel()
    waiter?.resume(returning: false)
  }

  // MARK: - For the task

  /// Notes that the descriptor has been closed, and may be another file's by now.
  func noteClosed() { state.withLock { $0.isClosed = true } }

  /// Suspends the task until the descriptor is ready; throws after a hang-up.
  /// - Returns: false when the time is over.
  func wait(for readiness: EventPoll.Readiness, atMost limit: Duration) async throws(Lost) -> Bool {
    let isReady = await withUnsafeContinuation { (continuation: UnsafeContinuation<Bool, Never>) in
      let isWaiting = state.withLock { state in
        guard !state.hasHungUp else { return false }
        let interest = state.interest.union(Self.interest).union(readiness)
        if interest != state.interest {
          guard state.interest.isEmpty ? poll.add(descriptor, interest) : poll.change(descriptor, interest) else {
            state.hasHungUp = true
            return false
          }
          state.interest = interest
        }
        state.awaited = readiness
        state.deadline = .now + limit
        state.waiter = continuation
        return true
      }
      if !isWaiting { continuation.resume(returning: false) }
    }
    if !isReady, state.withLock(\.hasHungUp) { throw Lost() }
    return isReady
  }

  /// Suspends the task until a further request begins to arrive.
  /// - Returns: false if the peer closes the connection, the time is over or the worker stops before.
  func waitForRequest(atMost limit: Duration) async -> Bool {
    let mayBeReadable = state.withLock { state in
      state.isIdle = true
      defer { state.mayBeReadable = false }
      return state.mayBeReadable
    }
    defer { state.withLock { $0.isIdle = false } }
    if mayBeReadable, hasInput { return true }
    do throws(Lost) {
      if try await wait(for: .readable, atMost: limit) { return true }
    } catch {
      return false
    }
    // A request may have arrived as the wait ended, and closing the connection would lose it.
    return hasInput
  }

  /// Indicates whether a byte has arrived that is not read yet.
  var hasInput: Bool {
    var byte: UInt8 = 0
    return withUnsafeMutableBytes(of: &byte) { peek(into: $0) ?? 0 } > 0
  }

  /// Copies the first bytes of the input, which stay to be read; 0 when the peer has closed, `nil` before there is one.
  func peek(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    while true {
      let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_PEEK | MSG_DONTWAIT))
      if count >= 0 { return count }
      switch errno {
      case EINTR: continue
      case EAGAIN: return nil
      default: return 0
      }
    }
  }

  /// Sends bytes; suspends the task while the peer accepts none.
  /// - Parameter isFollowed: true where more is sent at once, so that both go into one packet.
  func send(_ bytes: [UInt8], isFollowed: Bool = false) async throws(Lost) {
    let flags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT) | (isFollowed ? Int32(MSG_MORE) : 0)
    try await send(bytes.count) { [descriptor] offset in
      bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress.map { $0 + offset }, $0.count - offset, flags) }
    }
  }

  /// Sends the readable bytes of a buffer; suspends the task while the peer accepts none.
  func send(_ bytes: ByteBufferView) async throws(Lost) {
    let flags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
    try await send(bytes.count) { [descriptor] offset in
      bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress.map { $0 + offset }, $0.count - offset, flags) }
    }
  }

  /// Sends a part of a file without a copy in this process; suspends the task while the peer accepts nothing.
  func send(_ part: Range<Int64>, of file: OpenFile) async throws {
    var offset = part.lowerBound
    var hasWaited = false
    while offset < part.upperBound {
      do throws(FileError) {
        if let count = try file.sendAvailable(offset..<part.upperBound, to: descriptor) {
          offset += count
          hasWaited = false
          continue
        }
      } catch {
        if Self.socketErrors.contains(error.errno) { throw Lost() }
        throw error
      }
      try await waitUntilWritable(&hasWaited)
    }
  }

  /// The errors of the socket; any other error is the file's.
  private static let socketErrors: Set<Errno> = [.brokenPipe, .connectionReset, .socketNotConnected]

  private func send(_ count: Int, _ sendRest: (_ offset: Int) -> Int) async throws(Lost) {
    var offset = 0
    var hasWaited = false
    while offset < count {
      let sent = sendRest(offset)
      if sent >= 0 {
        offset += sent
        hasWaited = false
      } else if errno == EAGAIN {
        try await waitUntilWritable(&hasWaited)
      } else if errno != EINTR {
        throw Lost()
      }
    }
  }

  /// Waits for the peer to accept more. A Unix socket counts as writable only when three quarters of its buffer are free,
  /// so that a slow peer is lost only if a second try fails too.
  /// - Parameter hasWaited: true after a wait in vain, until something was sent.
  private func waitUntilWritable(_ hasWaited: inout Bool) async throws(Lost) {
    if hasWaited { throw Lost() }
    hasWaited = try await !wait(for: .writable, atMost: Self.sendTimeout)
  }
}

extension Connection.State {
  fileprivate mutating func takeWaiter() -> UnsafeContinuation<Bool, Never>? {
    defer {
      waiter = nil
      awaited = []
    }
    return waiter
  }
}
