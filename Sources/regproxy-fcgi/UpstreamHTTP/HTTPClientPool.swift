internal import AsyncHTTPClient
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import RegistryHandler
internal import Synchronization

/// The async-http-client instances in use: one for each set of trusted certificates and each vetted address of a host,
/// as the addresses of hosts are a property of the instance.
final class HTTPClientPool: Sendable {
  /// The properties that tell clients apart.
  struct Key: Hashable, Sendable {
    /// A file of PEM certificates to trust besides the system's.
    let caFile: String?
    /// The one host with a fixed address; other hosts are resolved.
    let pin: Pin?
    let proxy: ForwardProxy?
    var receiveBuffer: ReceiveBuffer
    var connections = Connections.persistent
  }

  /// The use of connections.
  enum Connections: Hashable, Sendable {
    /// Each connection serves one request after another.
    case persistent
    /// Each connection serves one request.
    case single
  }

  /// A host and its vetted address. Certificates are still verified for the host.
  struct Pin: Hashable, Sendable {
    let host: String
    let address: IPAddress
  }

  /// A client that is not shut down during the lifetime of the lease.
  final class Lease: Sendable {
    let client: HTTPClient
    private let release: @Sendable () -> Void

    fileprivate init(_ client: HTTPClient, release: @escaping @Sendable () -> Void) {
      self.client = client
      self.release = release
    }

    deinit { release() }
  }

  private struct Entry {
    let client: HTTPClient
    var leases = 0
    var lastUse = ContinuousClock.now
  }

  private static let connectTimeout: TimeAmount = .seconds(5)

  /// The longest time without a byte of a body: after that it has stalled.
  private static let stallTimeout: TimeAmount = .seconds(30)

  /// The lifetime of an idle connection: shorter than servers and load balancers allow, so that a reused connection is
  /// rarely one that they have just closed.
  private static let idleTimeout: TimeAmount = .seconds(15)

  /// Returns the sizes of a read of a connection, in bytes. Larger reads cost a large blob fewer hand-overs between
  /// threads; the size grows from the minimum while reads fill the buffer.
  private static func receiveSize(_ buffer: ReceiveBuffer) -> (minimum: Int, maximum: Int) {
    switch buffer {
    case .large: (4 << 10, 256 << 10)
    case .small: (4 << 10, 16 << 10)
    }
  }

  /// The limit of connections per host: as many as requests at once, since a request that waits for a connection would
  /// look like a silent upstream.
  private static let connectionsPerHost = 16_384

  /// The maximum number of idle clients with a pin.
  private static let maximumIdle = 64

  private let group: MultiThreadedEventLoopGroup
  private let entries = Mutex<[Key: Entry]>([:])

  init(group: MultiThreadedEventLoopGroup) { self.group = group }

  /// The number of clients.
  var count: Int { entries.withLock(\.count) }

  /// Closes all connections. The pool cannot be used afterwards.
  func shutDown() async {
    let clients = entries.withLock { entries in
      defer { entries = [:] }
      return entries.values.map(\.client)
    }
    for client in clients { try? await client.shutdown() }
  }

  /// Returns a lease of the client for a key; creates the client on its first use.
  func lease(_ key: Key) throws(UpstreamError) -> Lease {
    if let lease = entries.withLock({ leaseExisting(key, &$0) }) { return lease }
    let configuration = try Self.configuration(key)
    let lease = entries.withLock { entries in
      if let lease = leaseExisting(key, &entries) { return lease }
      let client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
      entries[key] = Entry(client: client, leases: 1)
      return makeLease(client, key)
    }
    shutDownIdleClients()
    return lease
  }

  private func leaseExisting(_ key: Key, _ entries: inout [Key: Entry]) -> Lease? {
    guard let client = entries[key]?.client else { return nil }
    entries[key]?.leases += 1
    return makeLease(client, key)
  }

  private func makeLease(_ client: HTTPClient, _ key: Key) -> Lease {
    Lease(client) { [weak self] in
      self?.entries.withLock { entries in
        entries[key]?.leases -= 1
        entries[key]?.lastUse = .now
      }
    }
  }

  /// Shuts down the clients that have been idle the longest, if there are too many.
  private func shutDownIdleClients() {
    let ended = entries.withLock { entries in
      let idle = entries.filter { $0.key.pin != nil && $0.value.leases == 0 }
        .sorted { $0.value.lastUse > $1.value.lastUse }
        .dropFirst(Self.maximumIdle)
      for (key, _) in idle { entries[key] = nil }
      return idle.map(\.value.client)
    }
    for client in ended { client.shutdown { _ in } }
  }

  private static func proxy(_ proxy: ForwardProxy) -> HTTPClient.Configuration.Proxy {
    let authorization = proxy.credentials.map { HTTPClient.Authorization.basic(credentials: $0.encoded) }
    return .server(host: proxy.host, port: proxy.port, authorization: authorization)
  }

  private static func configuration(_ key: Key) throws(UpstreamError) -> HTTPClient.Configuration {
    var tls = TLSConfiguration.makeClientConfiguration()
    if let caFile = key.caFile {
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
    configuration.http1_1ConnectionDebugInitializer = { channel in
      let (minimum, maximum) = receiveSize(key.receiveBuffer)
      let initial = min(64 << 10, maximum)
      let allocator = AdaptiveRecvByteBufferAllocator(minimum: minimum, initial: initial, maximum: maximum)
      // A channel keeps a buffer for each message it may read at once.
      return channel.setOption(.maxMessagesPerRead, value: 1).flatMap {
        channel.setOption(.recvAllocator, value: allocator)
      }
    }
    // Over HTTP/2 all requests to a host share one connection. Requests beyond the server's stream limit, often 100,
    // wait for downloads and fail with the connect time-out, and the window holds 8 MiB per stream for a client that
    // does not read.
    configuration.httpVersion = .http1Only
    if key.connections == .single { configuration.maximumUsesPerConnection = 1 }
    configuration.proxy = key.proxy.map(proxy)
    if let pin = key.pin { configuration.dnsOverride = [pin.host: pin.address.description] }
    return configuration
  }
}
