internal import Glibc
internal import Logging
internal import RegistryHandler

/// The operator's settings: the configuration file over built-in defaults, environment variables over both.
struct Configuration: Sendable {
  struct Log: Equatable, Sendable {
    var level: Logger.Level = .info
    var format: LogFormat = .json
    /// The log file; standard error if `nil`.
    var file: String?
  }

  var listen: ListeningSocket.Address = .unix(path: "/run/regproxy/worker.sock")
  var socketMode: mode_t = 0o660
  var threads = ThreadLimits(min: 32, max: 1024)
  var requests = RequestBounds(max: 16_384, maxShare: 75)
  var domain: String?
  var delivery: Delivery = .accelerated
  var drainTimeout: Duration = .seconds(30)
  var log = Log()
  var storeDirectory = "/var/cache/regproxy"
  var storeLimits = StoreLimits()
  var upstreams: [Upstream] = Upstream.builtIn

  var upstreamTable: UpstreamTable { UpstreamTable(upstreams, domain: domain) }
}
