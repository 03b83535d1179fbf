internal import HTTPTypes
internal import Logging
internal import RegistryHandler

/// Serves connections, one request each, and logs the requests.
final class ConnectionHandler: Sendable {
  /// The longest time in which a peer has to send a whole request.
  private static let receiveTimeout: Duration = .seconds(10)

  /// The pause between two looks at a request that has arrived in part, which nginx hardly ever sends.
  private static let receiveInterval: Duration = .milliseconds(10)

  /// The size of the first look, which most requests fit into, in bytes.
  private static let usualRequestSize = 4096

  private let accessLog: AccessLog
  private let logger: Logger

  init(accessLog: AccessLog, logger: Logger) {
    self.accessLog = accessLog
    self.logger = logger
  }

  /// Serves the request on a connection.
  /// - Parameter isOverloaded: asked once the request is there, when the downloads of those before it count.
  func serve(
    _ connection: Connection,
    with proxy: RegistryProxy,
    isOverloaded: @Sendable () -> Bool
  ) async {
    let start = ContinuousClock.now
    guard let (registryRequest, records) = await receive(connection) else { return }
    let response = await proxy.respond(to: registryRequest, isOverloaded: isOverloaded())
    var writer = ResponseWriter(response, records, isHead: registryRequest.method == .head)
    var outcome = await writer.write(to: connection)
    if Task.isCancelled { outcome = .clientLeft }
    accessLog.write(
      registryRequest,
      response,
      bodyBytes: writer.bodyBytes,
      outcome,
      duration: ContinuousClock.now - start
    )
  }

  /// Reads the request; `nil` where none arrives.
  private func receive(_ connection: Connection) async -> (RegistryRequest, ResponseRecords)? {
    do throws(Connection.Lost) {
      guard let arrived = try await arrival(connection),
        let request = FastCGIRequest(arrivedOn: connection, arrived)
      else {
        logger.debug("connection without a request")
        return nil
      }
      guard let registryRequest = RegistryRequest(request) else {
        logger.error("request without REQUEST_METHOD or REQUEST_URI: use the parameters of the nginx templates")
        return nil
      }
      return (registryRequest, ResponseRecords(to: request.id))
    } catch {
      logger.debug("connection without a request")
      return nil
    }
  }

  /// Waits until the parameters of a request have arrived; `nil` for what is no request.
  private func arrival(_ connection: Connection) async throws(Connection.Lost) -> RequestRecords? {
    let deadline = ContinuousClock.now + Self.receiveTimeout
    var size = Self.usualRequestSize
    while true {
      let (count, records) = withUnsafeTemporaryAllocation(byteCount: size, alignment: 1) { buffer in
        let count = connection.peek(into: buffer)
        return (count, RequestRecords(UnsafeRawBufferPointer(rebasing: buffer.prefix(count ?? 0))))
      }
      guard let count else {
        guard try await connection.wait(for: .readable, atMost: Self.receiveTimeout) else { return nil }
        continue
      }
      guard count > 0 else { return nil }
      switch records.completeness {
      case .whole, .parameters: return records
      case .invalid: return nil
      case .incomplete where count == size: size = RequestRecords.maximumSize
      case .incomplete:
        guard .now < deadline, !Task.isCancelled else { throw Connection.Lost() }
        try? await Task.sleep(for: Self.receiveInterval)
      }
    }
  }
}
