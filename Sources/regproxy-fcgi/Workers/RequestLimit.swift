internal import RegistryHandler

/// The number of requests that a worker serves at once; pure.
enum RequestLimit {
  /// The descriptors of a request: its connection, and a file or a connection to upstream.
  private static let descriptorsPerRequest = 2

  /// The descriptors of sockets, log, event loops and idle upstream connections.
  private static let otherDescriptors = 64

  /// Returns the number of requests that have enough descriptors, at least one; downloads take from them.
  /// - Parameters:
  ///   - descriptors: the number of descriptors that the process may have.
  ///   - maximum: the most requests where descriptors do not matter.
  static func fitting(descriptors: Int, maximum: Int) -> Int {
    min(maximum, max(1, (descriptors - otherDescriptors) / descriptorsPerRequest))
  }

  /// Returns the most connections that are kept without a request.
  /// - Parameter requests: the most requests at once.
  static func idleConnections(requests: Int) -> Int { max(1, requests / 8) }

  /// Returns the load of the worker.
  /// - Parameters:
  ///   - requests: the number of unfinished requests.
  ///   - maximum: the number of requests that have enough descriptors without downloads.
  ///   - descriptorsOfDownloads: called only if they can matter, since that takes a lock which all loops share.
  static func load(requests: Int, maximum: Int, descriptorsOfDownloads: () -> Int) -> RequestLoad {
    guard requests * 8 > maximum else { return .low }
    let taken = descriptorsPerRequest * requests + descriptorsOfDownloads()
    return taken > descriptorsPerRequest * maximum ? .full : .high
  }
}
