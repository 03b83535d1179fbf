internal import HTTPTypes
internal import Logging
internal import RegistryHandler
internal import Synchronization

/// Serves one connection after another with the proxy of the configuration in force.
final class RequestHandler: Sendable {
  /// A reference, so that taking it out of the lock is short: every request does.
  private final class Box: Sendable {
    let proxy: RegistryProxy

    init(_ proxy: RegistryProxy) { self.proxy = proxy }
  }

  private let box: Mutex<Box>
  private let logger: Logger

  init(_ proxy: RegistryProxy, logger: Logger) {
    self.box = Mutex(Box(proxy))
    self.logger = logger
  }

  /// Requests from now on are answered by another configuration.
  func replaceProxy(with proxy: RegistryProxy) { box.withLock { $0 = Box(proxy) } }

  /// Answers the request on a connection and closes it. Blocks.
  func serve(_ connection: Int32) async {
    let start = ContinuousClock.now
    guard let request = FastCGIRequest(connection: connection) else {
      logger.debug("connection without a request")
      return
    }
    guard let registryRequest = RegistryRequest(request) else {
      logger.error("request without REQUEST_METHOD or REQUEST_URI: use the parameters of the nginx templates")
      return
    }
    let response = await box.withLock { $0 }.proxy.respond(to: registryRequest)
    var writer = ResponseWriter(response, isHead: registryRequest.method == .head)
    let outcome = await writer.write(to: request)
    log(registryRequest, response, writer.bodyBytes, outcome, ContinuousClock.now - start)
  }

  private func log(
    _ request: RegistryRequest,
    _ response: RegistryResponse,
    _ bodyBytes: Int64,
    _ outcome: ResponseWriter.Outcome,
    _ duration: Duration
  ) {
    let record = response.record
    let milliseconds = duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
    var metadata: Logger.Metadata = [
      "http.request_id": .string(request.id),
      "http.method": .string(request.method.rawValue),
      "http.kind": .string(record.kind.rawValue),
      "http.status": .string(String(response.status)),
      "http.bytes": .string(String(bodyBytes)),
      "http.duration_ms": .string(String(milliseconds)),
    ]
    if let upstream = record.upstream { metadata["upstream.name"] = .string(upstream.description) }
    if let repository = record.repository { metadata["registry.repository"] = .string(repository) }
    if let reference = record.reference { metadata["registry.reference"] = .string(reference) }
    if let cache = record.cache { metadata["registry.cache"] = .string(cache.rawValue) }
    if let error = record.error { metadata["error"] = .string(error) }
    switch outcome {
    case .complete: metadata["http.outcome"] = "complete"
    case .clientLeft: metadata["http.outcome"] = "client-left"
    case .brokenOff(let reason):
      metadata["http.outcome"] = "broken-off"
      metadata["error"] = .string(reason)
    }
    logger.info("request", metadata: metadata)
  }
}
