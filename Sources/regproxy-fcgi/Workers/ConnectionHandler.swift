internal import HTTPTypes
internal import Logging
internal import RegistryHandler

/// Serves connections, one request after another, and logs the requests.
final class ConnectionHandler: Sendable {
  /// The longest time in which a peer has to send a whole request.
  private static let receiveTimeout: Duration = .seconds(10)

  /// The size of the first look, which most requests fit into, in bytes.
  private static let usualRequestSize = 4096

  private let accessLog: AccessLog
  private let logger: Logger

  init(accessLog: AccessLog, logger: Logger) {
    self.accessLog = accessLog
    self.logger = logger
  }

  /// Serves the requests on a connection.
  /// - Parameter snapshot: the proxy in force, updated before each request.
  func serve(_ connection: Connection, _ snapshot: CurrentProxy.Snapshot, in pool: WorkerPool) async {
    var snapshot = snapshot
    while await serveNext(connection, &snapshot, in: pool), await pool.keep(connection) {}
  }

  /// Serves one request; returns whether the connection can have a further one.
  private func serveNext(
    _ connection: Connection,
    _ snapshot: inout CurrentProxy.Snapshot,
    in pool: WorkerPool
  ) async -> Bool {
    let start = ContinuousClock.now
    guard let (request, registryRequest) = await receive(connection) else { return false }
    pool.proxy.update(&snapshot)
    // Asked once the request is there, when the downloads of those before it count.
    let response = await snapshot.proxy.respond(to: registryRequest, under: pool.requestLoad)
    var writer = ResponseWriter(response, to: registryRequest, ResponseRecords(to: request.id))
    var outcome = await writer.write(to: connection)
    if Task.isCancelled { outcome = .clientLeft }
    accessLog.write(
      registryRequest,
      response,
      bodyBytes: writer.bodyBytes,
      outcome,
      duration: ContinuousClock.now - start
    )
    return request.isConnectionKept && outcome == .complete && !writer.isLeftByNginx
  }

  /// The part of a request that outlives its parameters.
  private struct Received {
    /// The number of the request on its connection.
    let id: UInt16
    let isConnectionKept: Bool
  }

  /// Reads the request; `nil` where none arrives.
  private func receive(_ connection: Connection) async -> (Received, RegistryRequest)? {
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
      return (Received(id: request.id, isConnectionKept: arrived.isConnectionKept), registryRequest)
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
        guard try await connection.wait(for: .readable, atMost: deadline - .now) else { throw Connection.Lost() }
      }
    }
  }
}
