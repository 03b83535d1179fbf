internal import HTTPTypes
internal import Logging
internal import RegistryHandler
internal import Synchronization

/// Serves one connection after another with the proxy of the configuration in force.
final class ConnectionHandler: Sendable {
  /// What one thread took for the proxy in force, and may go on using until the generation changes.
  struct Snapshot {
    fileprivate(set) var proxy: RegistryProxy
    fileprivate var generation: Int
  }

  private let proxy: Mutex<RegistryProxy>
  /// Counts the configurations. Threads look at this with every request, and take the lock after a change only: under
  /// load they would queue for it.
  private let generation = Atomic<Int>(0)
  private let requestLog: AccessLog
  private let logger: Logger

  init(_ proxy: RegistryProxy, requestLog: AccessLog, logger: Logger) {
    self.proxy = Mutex(proxy)
    self.requestLog = requestLog
    self.logger = logger
  }

  /// Requests from now on are answered by another configuration.
  func replaceProxy(with proxy: RegistryProxy) {
    self.proxy.withLock { $0 = proxy }
    generation.add(1, ordering: .releasing)
  }

  /// The proxy in force, for a thread to keep.
  func makeSnapshot() -> Snapshot {
    let generation = generation.load(ordering: .acquiring)
    return Snapshot(proxy: proxy.withLock { $0 }, generation: generation)
  }

  /// Brings what a thread kept up to date.
  func update(_ snapshot: inout Snapshot) {
    if snapshot.generation != generation.load(ordering: .acquiring) { snapshot = makeSnapshot() }
  }

  /// Answers the request on a connection and closes it. Blocks.
  func serve(_ connection: Int32, by proxy: RegistryProxy) async {
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
    requestLog.write(
      registryRequest,
      response,
      bodyBytes: writer.bodyBytes,
      outcome,
      duration: ContinuousClock.now - start
    )
  }
}
