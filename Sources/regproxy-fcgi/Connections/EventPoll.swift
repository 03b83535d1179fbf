internal import CFastCGI
internal import Glibc

/// An epoll instance: the descriptors whose readiness one thread waits for.
/// <https://man7.org/linux/man-pages/man7/epoll.7.html>
final class EventPoll: Sendable {
  struct Event {
    let descriptor: Int32
    let readiness: Readiness
  }

  /// Conditions of a descriptor.
  struct Readiness: OptionSet, Sendable {
    let rawValue: UInt32

    static let readable = Readiness(rawValue: EPOLLIN.rawValue)
    static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
    /// The peer has closed its end, or the connection is broken.
    static let hungUp = Readiness(rawValue: EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue)
    /// Reports a change of the condition once, not for as long as the condition lasts.
    static let edge = Readiness(rawValue: EPOLLET.rawValue)
    /// Wakes one of the threads that wait for the descriptor, not all of them.
    static let exclusive = Readiness(rawValue: EPOLLEXCLUSIVE.rawValue)
  }

  /// The most events that one wait returns.
  private static let batch = 64

  private let descriptor: Int32

  init() throws(WorkerError) {
    descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard descriptor >= 0 else { throw .noDescriptor(errno) }
  }

  deinit { close(descriptor) }

  /// Adds a descriptor; false where the system has no memory for it.
  func add(_ descriptor: Int32, _ readiness: Readiness) -> Bool { control(EPOLL_CTL_ADD, descriptor, readiness) }

  /// Changes what is waited for.
  func change(_ descriptor: Int32, _ readiness: Readiness) -> Bool { control(EPOLL_CTL_MOD, descriptor, readiness) }

  func remove(_ descriptor: Int32) { _ = control(EPOLL_CTL_DEL, descriptor, []) }

  /// Waits for events. Blocks.
  /// - Parameter milliseconds: the longest time; -1 for ever.
  func wait(timeout milliseconds: Int32, _ body: (Event) -> Void) {
    withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: Self.batch) { events in
      let count = epoll_wait(descriptor, events.baseAddress, Int32(events.count), milliseconds)
      for index in 0..<max(0, Int(count)) {
        let event = events[index]
        body(Event(descriptor: event.data.fd, readiness: Readiness(rawValue: event.events)))
      }
    }
  }

  private func control(_ operation: Int32, _ target: Int32, _ readiness: Readiness) -> Bool {
    var event = epoll_event(events: readiness.rawValue, data: epoll_data_t(fd: target))
    return epoll_ctl(descriptor, operation, target, &event) == 0
  }
}
