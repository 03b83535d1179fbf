/// The load of the worker as a request arrives.
package enum RequestLoad: Equatable, Sendable {
  /// Nobody's share of the requests needs to be counted.
  case low
  /// Each client, upstream and blob may have its share of the requests.
  case high
  /// There are as many requests as the worker can serve.
  case full
}
