internal import Glibc
internal import Logging
internal import RegistryHandler

/// What the operator decided: the configuration file over defaults that work, environment variables over both.
struct Configuration: Sendable {
  struct Log: Equatable, Sendable {
    var level: Logger.Level = .info
    var format: LogFormat = .json
    /// Standard error when `nil`.
    var file: String?
  }

  var listen: ListeningSocket.Address = .unix(path: "/run/regproxy/worker.sock")
  var socketMode: mode_t = 0o660
  var threads = WorkerPool.Limits(min: 32, max: 1024)
  var domain: String?
  var delivery: Delivery = .accelerated
  var drainTimeout: Duration = .seconds(30)
  var log = Log()
  var storeDirectory = "/var/cache/regproxy"
  var storeLimits = StoreLimits()
  var upstreams: [Upstream] = Upstream.builtIn

  var upstreamTable: UpstreamTable { UpstreamTable(upstreams, domain: domain) }
}

/// A configuration that cannot be used: where, and what to do about it.
struct ConfigurationError: Error, Equatable, CustomStringConvertible {
  let file: String
  /// Counted from 1; `nil` when no line is to blame.
  let line: Int?
  let message: String

  var description: String { "\(file)\(line.map { ":\($0)" } ?? ""): \(message)" }
}
