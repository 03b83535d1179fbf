internal import HTTPTypes
internal import Logging
internal import RegistryHandler

/// Serves connections, one request each, and logs the requests.
final class ConnectionHandler: Sendable {
  private let accessLog: AccessLog
  private let logger: Logger

  init(accessLog: AccessLog, logger: Logger) {
    self.accessLog = accessLog
    self.logger = logger
  }

  /// Serves the request on a connection and closes the connection. Blocks.
  func serve(_ connection: Int32, with proxy: RegistryProxy) async {
    let start = ContinuousClock.now
    guard let request = FastCGIRequest(connection: connection) else {
      logger.debug("connection without a request")
      return
    }
    guard let registryRequest = RegistryRequest(request) else {
      logger.error("request without REQUEST_METHOD or REQUEST_URI: use the parameters of the nginx templates")
      return
    }
    let response = await proxy.respond(to: registryRequest)
    var writer = ResponseWriter(response, isHead: registryRequest.method == .head)
    var outcome = await writer.write(to: request)
    if Task.isCancelled { outcome = .clientLeft }
    accessLog.write(
      registryRequest,
      response,
      bodyBytes: writer.bodyBytes,
      outcome,
      duration: ContinuousClock.now - start
    )
  }
}
