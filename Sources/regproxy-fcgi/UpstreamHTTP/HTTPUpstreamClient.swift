internal import AsyncHTTPClient
internal import Glibc
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import RegistryHandler
internal import Synchronization

/// Asks upstreams by async-http-client.
final class HTTPUpstreamClient: UpstreamClient {
  /// The time for the head of an answer.
  private static let headTimeout: TimeAmount = .seconds(20)

  /// Addresses of one host that are tried: one of them should be up.
  private static let maximumAddresses = 3

  private let group: MultiThreadedEventLoopGroup
  private let pool: HTTPClientPool
  private let addresses: VettedAddresses

  init(threadCount: Int = System.coreCount, resolver: any AddressResolver = SystemResolver()) {
    group = MultiThreadedEventLoopGroup(numberOfThreads: threadCount)
    pool = HTTPClientPool(group: group)
    addresses = VettedAddresses(resolver)
  }

  var clientCount: Int { pool.count }

  /// Ends all connections. The client cannot be used afterwards.
  func shutDown() async {
    await pool.shutDown()
    try? await group.shutdownGracefully()
  }

  func execute(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse {
    guard request.addresses != .any else { return try await execute(request, at: nil) }
    let host = request.url.host
    let vetted = try await addresses.addresses(of: host, request.addresses)
    // One that is written as an address is where it says.
    guard IPAddress(host) == nil else { return try await execute(request, at: nil) }
    var failure = UpstreamError(.unreachable, "\(host) has no address")
    for address in vetted.prefix(Self.maximumAddresses) {
      do throws(UpstreamError) {
        return try await execute(request, at: HTTPClientPool.Pin(host: host, address: address))
      } catch  where error.kind == .unreachable || error.kind == .timeout {
        addresses.moveToEnd(address, of: host)
        failure = error
      }
    }
    throw failure
  }

  /// Sends a request, and once more where the connection was lost before an answer began: a kept connection may be
  /// closed by the server just then, and what is only read may be asked again. The second try has a connection of its own,
  /// since other kept ones may be closed, too.
  /// <https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2>
  private func execute(
    _ request: UpstreamRequest,
    at pin: HTTPClientPool.Pin?
  ) async throws(UpstreamError) -> UpstreamResponse {
    let deadline = NIODeadline.now() + Self.headTimeout
    var key = HTTPClientPool.Key(caFile: request.caFile, pin: pin, receiveBuffer: request.receiveBuffer)
    do {
      return try await Self.execute(request, try pool.lease(key), deadline: deadline)
    } catch let error as UpstreamError {
      throw error
    } catch  where Self.isLostConnection(error) {
      key.connections = .single
    } catch  where key.receiveBuffer == .small && Self.isOutOfDescriptors(error) {
      // Downloads may have left a connection that can be used again.
      key.receiveBuffer = .large
    } catch {
      throw UpstreamError(error, host: request.url.authority)
    }
    let lease = try pool.lease(key)
    do {
      return try await Self.execute(request, lease, deadline: deadline)
    } catch {
      throw UpstreamError(error, host: request.url.authority)
    }
  }

  private static func execute(
    _ request: UpstreamRequest,
    _ lease: HTTPClientPool.Lease,
    deadline: NIODeadline
  ) async throws -> UpstreamResponse {
    var outgoing = HTTPClientRequest(url: request.url.description)
    outgoing.method = HTTPMethod(rawValue: request.method.rawValue)
    for field in request.headers { outgoing.headers.add(name: field.name.rawName, value: field.value) }
    outgoing.headers.add(name: "User-Agent", value: "regproxy-fcgi/\(Version.current)")
    let response = try await lease.client.execute(outgoing, deadline: deadline)
    return UpstreamResponse(
      status: Int(response.status.code),
      headers: HTTPFields(response.headers),
      body: StreamedBody(response.body, host: request.url.authority, lease: lease)
    )
  }

  private static func isOutOfDescriptors(_ error: any Error) -> Bool {
    switch error {
    case let error as IOError: [EMFILE, ENFILE].contains(error.errnoCode)
    case let error as NIOConnectionError: error.connectionErrors.contains { isOutOfDescriptors($0.error) }
    default: false
    }
  }

  private static func isLostConnection(_ error: any Error) -> Bool {
    switch error {
    case let error as HTTPClientError: error == .remoteConnectionClosed
    case let error as ChannelError: error == .ioOnClosedChannel || error == .alreadyClosed
    case let error as IOError: error.errnoCode == ECONNRESET || error.errnoCode == EPIPE
    default: false
    }
  }
}

/// A body as async-http-client delivers it.
private final class StreamedBody: UpstreamBody {
  private let body: HTTPClientResponse.Body
  private let host: String
  /// Keeps the client until the body is done with.
  private let lease: HTTPClientPool.Lease
  private let isTaken = Atomic<Bool>(false)

  init(_ body: HTTPClientResponse.Body, host: String, lease: HTTPClientPool.Lease) {
    self.body = body
    self.host = host
    self.lease = lease
  }

  /// Hands over the chunks, once. A second reading is an error of its request alone: async-http-client would end the
  /// process, and no bytes would look like an empty body.
  func forEachChunk(_ consume: (ByteBuffer) async throws -> Bool) async throws {
    guard !isTaken.exchange(true, ordering: .relaxed) else {
      throw UpstreamError(.invalidResponse, "the answer of \(host) was read already, which is a fault of this proxy")
    }
    var iterator = body.makeAsyncIterator()
    while true {
      let chunk: ByteBuffer?
      do {
        chunk = try await iterator.next()
      } catch {
        throw UpstreamError(error, host: host)
      }
      guard let chunk, try await consume(chunk) else { return }
    }
  }
}

extension UpstreamError {
  /// What a failure of the client means.
  fileprivate init(_ error: any Error, host: String) {
    switch error as? HTTPClientError {
    case .cancelled: self = .cancelled
    // The pool gives up after the connect time-out, too.
    case .connectTimeout, .getConnectionFromPoolTimeout, .deadlineExceeded, .tlsHandshakeTimeout:
      self.init(.timeout, "\(host) gave no answer in time")
    case .readTimeout: self.init(.timeout, "\(host) sent nothing for 30 seconds")
    case .remoteConnectionClosed: self.init(.unreachable, "\(host) closed the connection")
    default:
      if error is CancellationError {
        self = .cancelled
      } else {
        self.init(.unreachable, "\(host) cannot be reached: \(error)")
      }
    }
  }
}

extension HTTPFields {
  /// The headers that are valid; what no header can hold is left out.
  fileprivate init(_ headers: HTTPHeaders) {
    self.init()
    for (name, value) in headers {
      guard let name = HTTPField.Name(name), HTTPField.isValidValue(value) else { continue }
      append(HTTPField(name: name, value: value))
    }
  }
}
