internal import AsyncHTTPClient
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import RegistryHandler
internal import Synchronization

/// The async-http-client instances in use: one for each set of trusted certificates, and one for each vetted address of
/// a host, as an instance has one view of where hosts are.
final class HTTPClientPool: Sendable {
  /// Who a client talks to.
  struct Key: Hashable, Sendable {
    /// A file of PEM certificates to trust besides the system's.
    let caFile: String?
    /// The one host that is at a known address; any other is looked up.
    let pin: Pin?
    var receiveBuffer: ReceiveBuffer
    var connections = Connections.kept
  }

  /// How long connections are used.
  enum Connections: Hashable, Sendable {
    /// For one request after another.
    case kept
    /// For one request each.
    case single
  }

  /// A host and the address that was vetted for it. Certificates are still those of the host.
  struct Pin: Hashable, Sendable {
    let host: String
    let address: IPAddress
  }

  /// A client that will not be shut down while the lease lives.
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
    var accessTime = ContinuousClock.now
  }

  private static let connectTimeout: TimeAmount = .seconds(5)

  /// A body that brings no byte for so long has stalled.
  private static let stallTimeout: TimeAmount = .seconds(30)

  /// Shorter than what servers and load balancers allow, so that a kept connection is rarely one they have just closed.
  private static let idleTimeout: TimeAmount = .seconds(15)

  /// What is read of a connection at a time, in bytes. The more it is, the fewer hand-overs between threads a large blob costs;
  /// it grows from the least as long as reads fill it.
  private static func receiveSize(_ buffer: ReceiveBuffer) -> (least: Int, most: Int) {
    switch buffer {
    case .large: (4 << 10, 256 << 10)
    case .small: (4 << 10, 16 << 10)
    }
  }

  /// A fill has a connection of its own, and a thousand may run.
  private static let connectionsPerHost = 1024

  /// Clients with a pin that are kept at most although nobody uses them.
  private static let maximumIdle = 64

  private let group: MultiThreadedEventLoopGroup
  private let entries = Mutex<[Key: Entry]>([:])

  init(group: MultiThreadedEventLoopGroup) { self.group = group }

  /// How many clients there are.
  var count: Int { entries.withLock(\.count) }

  /// Ends all connections. The pool cannot be used afterwards.
  func shutDown() async {
    let clients = entries.withLock { entries in
      defer { entries = [:] }
      return entries.values.map(\.client)
    }
    for client in clients { try? await client.shutdown() }
  }

  func lease(_ key: Key) throws(UpstreamError) -> Lease {
    if let lease = entries.withLock({ leaseKnown(key, &$0) }) { return lease }
    let configuration = try Self.configuration(key)
    let lease = entries.withLock { entries in
      if let lease = leaseKnown(key, &entries) { return lease }
      let client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
      entries[key] = Entry(client: client, leases: 1)
      return makeLease(client, key)
    }
    endIdleClients()
    return lease
  }

  private func leaseKnown(_ key: Key, _ entries: inout [Key: Entry]) -> Lease? {
    guard let client = entries[key]?.client else { return nil }
    entries[key]?.leases += 1
    return makeLease(client, key)
  }

  private func makeLease(_ client: HTTPClient, _ key: Key) -> Lease {
    Lease(client) { [weak self] in
      self?.entries.withLock { entries in
        entries[key]?.leases -= 1
        entries[key]?.accessTime = .now
      }
    }
  }

  /// Ends clients that have been idle the longest, where there are too many.
  private func endIdleClients() {
    let ended = entries.withLock { entries in
      let idle = entries.filter { $0.key.pin != nil && $0.value.leases == 0 }
        .sorted { $0.value.accessTime > $1.value.accessTime }
        .dropFirst(Self.maximumIdle)
      for (key, _) in idle { entries[key] = nil }
      return idle.map(\.value.client)
    }
    for client in ended { client.shutdown { _ in } }
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
      let (least, most) = receiveSize(key.receiveBuffer)
      let initial = min(64 << 10, most)
      let allocator = AdaptiveRecvByteBufferAllocator(minimum: least, initial: initial, maximum: most)
      // A channel keeps a buffer for each message it may read at once.
      return channel.setOption(.maxMessagesPerRead, value: 1).flatMap {
        channel.setOption(.recvAllocator, value: allocator)
      }
    }
    // Over HTTP/2 all requests to a host share one connection. Beyond the streams that the server allows on it, often
    // 100, they wait for downloads and fail with the connect time-out, and its window holds 8 MiB of each for a client
    // that does not read.
    configuration.httpVersion = .http1Only
    if key.connections == .single { configuration.maximumUsesPerConnection = 1 }
    if let pin = key.pin { configuration.dnsOverride = [pin.host: pin.address.description] }
    return configuration
  }
}
