internal import RegistryHandler

/// The number of requests that a worker serves at once; pure.
struct RequestLimit: Equatable, Sendable {
  /// The descriptors of a request: its connection, and a file or a connection to upstream.
  private static let descriptorsPerRequest = 2

  /// The descriptors of sockets, log, event loops and idle upstream connections.
  private static let otherDescriptors = 64

  /// The part of the requests that is served without counting anybody's share, as a divisor.
  private static let uncountedPart = 8

  /// The most requests at once, at least one.
  let requests: Int
  /// The most connections that are kept without a request, at least one.
  let idleConnections: Int
  /// The descriptors of requests, idle connections and downloads together.
  private let descriptors: Int

  /// - Parameters:
  ///   - descriptors: the number of descriptors that the process may have.
  ///   - maximum: the most requests where descriptors do not matter.
  init(descriptors: Int, maximum: Int) {
    self.descriptors = max(1, descriptors - Self.otherDescriptors)
    requests = min(maximum, max(1, self.descriptors / Self.descriptorsPerRequest))
    idleConnections = max(1, requests / Self.uncountedPart)
  }

  /// Returns the most requests that are counted for one client, upstream or blob, so that it has at most a percentage of
  /// all together with those that were not counted; at least one.
  func share(percentage: Int) -> Int {
    percentage == 100 ? requests : max(1, requests * percentage / 100 - requests / Self.uncountedPart)
  }

  /// Returns the load of the worker.
  /// - Parameters:
  ///   - requests: the number of unfinished requests.
  ///   - idle: the number of connections that wait for a request.
  ///   - descriptorsOfDownloads: called only if they can matter, since that takes a lock which all loops share.
  func load(requests: Int, idle: Int, descriptorsOfDownloads: () -> Int) -> RequestLoad {
    guard requests * Self.uncountedPart > self.requests else { return .low }
    guard requests <= self.requests else { return .full }
    let taken = Self.descriptorsPerRequest * requests + idle + descriptorsOfDownloads()
    return taken > max(descriptors, Self.descriptorsPerRequest) ? .full : .high
  }
}
