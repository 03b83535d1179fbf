/// The limits on the number of worker threads.
struct WorkerLimits: Equatable, Sendable {
  var min: Int
  var max: Int

  /// The descriptors of a thread: its epoll, its wake-up and its connection, and the partial file and upstream
  /// connection of a download.
  private static let descriptorsPerThread = 5

  /// The descriptors of sockets, log, event loops and idle upstream connections.
  private static let otherDescriptors = 64

  /// Returns the limits lowered to the number of threads that have enough descriptors, at least one.
  ///
  /// A connection that is accepted without the descriptors to serve it fails; in the socket's queue it would only wait.
  /// - Parameter descriptors: the number of descriptors that the process may have.
  func fitting(descriptors: Int) -> WorkerLimits {
    let most = Swift.max(1, (descriptors - Self.otherDescriptors) / Self.descriptorsPerThread)
    return WorkerLimits(min: Swift.min(min, most), max: Swift.min(max, most))
  }
}
