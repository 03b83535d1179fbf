internal import AsyncHTTPClient
internal import Glibc
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import RegistryHandler
internal import Synchronization

/// Asks upstreams by async-http-client, one client for each set of trusted certificates.
final class HTTPUpstreamClient: UpstreamClient {
  private static let connectTimeout: TimeAmount = .seconds(5)

  /// The time for the head of an answer.
  private static let headTimeout: TimeAmount = .seconds(20)

  /// A body that brings no byte for so long has stalled.
  private static let stallTimeout: TimeAmount = .seconds(30)

  /// Shorter than what servers and load balancers allow, so that a kept connection is rarely one they have just closed.
  private static let idleTimeout: TimeAmount = .seconds(15)

  /// A fill has a connection of its own, and a thousand may run.
  private static let connectionsPerHost = 1024

  private let group: MultiThreadedEventLoopGroup
  private let clients = Mutex<[String?: HTTPClient]>([:])

  init(threadCount: Int = System.coreCount) {
    group = MultiThreadedEventLoopGroup(numberOfThreads: threadCount)
  }

  /// Ends all connections. The client cannot be used afterwards.
  func shutDown() async {
    let clients = clients.withLock { clients in
      defer { clients = [:] }
      return clients.values
    }
    for client in clients { try? await client.shutdown() }
    try? await group.shutdownGracefully()
  }

  func execute(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse {
    let client = try client(trusting: request.caFile)
    var outgoing = HTTPClientRequest(url: request.url.description)
    outgoing.method = HTTPMethod(rawValue: request.method.rawValue)
    for field in request.headers { outgoing.headers.add(name: field.name.rawName, value: field.value) }
    outgoing.headers.add(name: "User-Agent", value: "regproxy-fcgi/\(Version.current)")
    let host = request.url.authority
    do {
      let response = try await Self.execute(outgoing, client, deadline: .now() + Self.headTimeout)
      return UpstreamResponse(
        status: Int(response.status.code),
        headers: HTTPFields(response.headers),
        body: StreamedBody(body: response.body, host: host)
      )
    } catch {
      throw UpstreamError(error, host: host)
    }
  }

  /// Sends a request, and once more where the connection was lost before an answer began: a kept connection may be
  /// closed by the server just then, and what is only read may be asked again.
  /// <https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2>
  private static func execute(
    _ request: HTTPClientRequest,
    _ client: HTTPClient,
    deadline: NIODeadline
  ) async throws -> HTTPClientResponse {
    do {
      return try await client.execute(request, deadline: deadline)
    } catch  where isLostConnection(error) {
      return try await client.execute(request, deadline: deadline)
    }
  }

  private static func isLostConnection(_ error: any Error) -> Bool {
    if let error = error as? HTTPClientError { return error == .remoteConnectionClosed }
    guard let error = error as? IOError else { return false }
    return error.errnoCode == ECONNRESET || error.errnoCode == EPIPE
  }

  private func client(trusting caFile: String?) throws(UpstreamError) -> HTTPClient {
    if let client = clients.withLock({ $0[caFile] }) { return client }
    let configuration = try Self.configuration(trusting: caFile)
    return clients.withLock { clients in
      if let client = clients[caFile] { return client }
      let client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
      clients[caFile] = client
      return client
    }
  }

  private static func configuration(trusting caFile: String?) throws(UpstreamError) -> HTTPClient.Configuration {
    var tls = TLSConfiguration.makeClientConfiguration()
    if let caFile {
      do {
        tls.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMFile(caFile))]
      } catch {
        throw UpstreamError(.unreachable, "the certificates in \(caFile) cannot be read: \(error)")
      }
    }
    var configuration = HTTPClient.Configuration(
      tlsConfiguration: tls,
      redirectConfiguration: .disallow,
      timeout: HTTPClient.Configuration.Timeout(connect: connectTimeout, read: stallTimeout),
      decompression: .disabled
    )
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connectionsPerHost
    configuration.connectionPool.idleTimeout = idleTimeout
    configuration.connectionPool.retryConnectionEstablishment = false
    return configuration
  }
}

/// A body as async-http-client delivers it.
private struct StreamedBody: UpstreamBody {
  let body: HTTPClientResponse.Body
  let host: String

  func forEachChunk(_ consume: (ByteBuffer) async throws -> Bool) async throws {
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
    case .connectTimeout, .deadlineExceeded, .tlsHandshakeTimeout:
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
