internal import AsyncHTTPClient
internal import Glibc
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import RegistryHandler

/// Sends requests to upstreams by async-http-client.
final class HTTPUpstreamClient: UpstreamClient {
  /// The time limit for the head of a response.
  private static let headTimeout: TimeAmount = .seconds(20)

  /// The number of addresses of one host to try: one of them should be up.
  private static let maximumAddresses = 3

  private let group: MultiThreadedEventLoopGroup
  private let pool: HTTPClientPool
  private let addresses: VettedAddresses

  init(threadCount: Int = System.coreCount, resolver: any AddressResolver = SystemResolver()) {
    group = MultiThreadedEventLoopGroup(numberOfThreads: threadCount)
    pool = HTTPClientPool(group: group)
    addresses = VettedAddresses(resolver)
  }

  /// The number of clients in the pool.
  var clientCount: Int { pool.count }

  /// Closes all connections. The client cannot be used afterwards.
  func shutDown() async {
    await pool.shutDown()
    try? await group.shutdownGracefully()
  }

  func execute(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse {
    guard request.addresses != .any else { return try await execute(request, at: nil) }
    let host = request.url.host
    // A proxy resolves names itself; addresses are still judged here.
    if request.proxy != nil, IPAddress(host) == nil { return try await execute(request, at: nil) }
    let vetted = try await addresses.addresses(of: host, request.addresses)
    // A host written as an address needs no pin.
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

  /// Sends a request, and once more if the connection was lost before a response began: a server may close a
  /// persistent connection at that moment, and safe requests may be repeated. The second attempt has a connection of
  /// its own, since other persistent connections may be closed, too.
  /// <https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2>
  private func execute(
    _ request: UpstreamRequest,
    at pin: HTTPClientPool.Pin?
  ) async throws(UpstreamError) -> UpstreamResponse {
    let deadline = NIODeadline.now() + Self.headTimeout
    var key = HTTPClientPool.Key(
      caFile: request.caFile,
      pin: pin,
      proxy: request.proxy,
      receiveBuffer: request.receiveBuffer
    )
    do {
      return try await Self.execute(request, try pool.lease(key), deadline: deadline)
    } catch let error as UpstreamError {
      throw error
    } catch  where Self.isLostConnection(error) {
      key.connections = .single
    } catch  where key.receiveBuffer == .small && Self.isOutOfDescriptors(error) {
      // Downloads may have left a connection to reuse.
      key.receiveBuffer = .large
    } catch {
      throw UpstreamError(error, host: request.place)
    }
    let lease = try pool.lease(key)
    do {
      return try await Self.execute(request, lease, deadline: deadline)
    } catch {
      throw UpstreamError(error, host: request.place)
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

extension UpstreamRequest {
  /// The host, and the way to it, in errors.
  fileprivate var place: String { proxy.map { "\(url.authority), through the proxy \($0)," } ?? url.authority }
}

extension HTTPFields {
  /// Copies the headers, leaving out invalid names and values.
  fileprivate init(_ headers: HTTPHeaders) {
    self.init()
    for (name, value) in headers {
      guard let name = HTTPField.Name(name), HTTPField.isValidValue(value) else { continue }
      append(HTTPField(name: name, value: value))
    }
  }
}
