/// The number of requests that a worker serves at once; pure.
enum RequestLimit {
  /// The bound where descriptors do not matter: a waiting request takes some kilobytes of memory.
  private static let maximum = 16_384

  /// The descriptors of a request: its connection, and a file or a connection to upstream.
  private static let descriptorsPerRequest = 2

  /// The descriptors of sockets, log, event loops and idle upstream connections.
  private static let otherDescriptors = 64

  /// Returns the number of requests that have enough descriptors, at least one; downloads take from them.
  /// - Parameter descriptors: the number of descriptors that the process may have.
  static func fitting(descriptors: Int) -> Int {
    min(maximum, max(1, (descriptors - otherDescriptors) / descriptorsPerRequest))
  }
}
