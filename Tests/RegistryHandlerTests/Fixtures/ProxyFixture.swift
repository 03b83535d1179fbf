internal import FoundationEssentials
internal import HTTPTypes
internal import Logging
internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

/// A proxy with a store of its own and fake registries behind it: `r.test`, the default, which has `library`, and
/// `q.test`.
struct ProxyFixture: Sendable {
  let directory: TemporaryDirectory
  let store: Store
  let registry: FakeUpstream
  let clock = ManualClock()
  /// The clock that stalls are measured by.
  let instants = ManualInstants()
  let services: ProxyServices
  let proxy: RegistryProxy

  /// - Parameters:
  ///   - other: a proxy whose store and registries this one shares, as another process does.
  ///   - remembersHits: whether hits are repeated within a second; otherwise each looks at the store.
  init(
    beside other: ProxyFixture? = nil,
    delivery: Delivery = .accelerated,
    domain: String? = nil,
    limits: StoreLimits = StoreLimits(),
    bypasses: BypassLimit = BypassLimit(),
    patience: Patience = Patience(),
    staleResponseTimeout: Duration = ProxyServices.staleResponseTimeout,
    maximumDocumentBytes: Int = ProxyServices.maximumDocumentBytes,
    requests: Int = 1024,
    share: Int? = nil,
    remembersHits: Bool = false,
    adjust: (inout Upstream) -> Void = { _ in }
  ) throws {
    directory = try other?.directory ?? TemporaryDirectory()
    registry = other?.registry ?? FakeUpstream()
    store = try directory.makeStore { [clock] in clock.now }
    var upstream = Upstream(name: try Values.upstream("r.test"), endpoints: [try Values.url("https://r.test")])
    upstream.hasLibrary = true
    upstream.isDefault = true
    adjust(&upstream)
    let other = Upstream(name: try Values.upstream("q.test"), endpoints: [try Values.url("https://q.test")])
    services = ProxyServices(
      store: store,
      limits: limits,
      bypasses: bypasses,
      patience: patience,
      requests: requests,
      share: share,
      endpointHealth: EndpointHealth(now: clock.instants),
      client: registry,
      executor: .forTests,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      now: { [clock] in clock.now },
      monotonicNow: { [clock] in clock.now },
      instant: { [instants] in instants.now },
      staleResponseTimeout: staleResponseTimeout,
      maximumDocumentBytes: maximumDocumentBytes
    )
    proxy = RegistryProxy(
      upstreams: UpstreamTable([upstream, other], domain: domain),
      services: services,
      delivery: delivery,
      recentHits: remembersHits ? RecentHits(now: { [clock] in clock.now }, monotonicNow: { 0 }) : nil
    )
  }

  func send(
    _ method: HTTPRequest.Method = .get,
    _ target: String,
    host: String = "localhost",
    _ headers: HTTPFields = [:],
    isRetryAfterEviction: Bool = false,
    from client: IPAddress? = nil,
    under load: RequestLoad = .low
  ) async -> RegistryResponse {
    await proxy.respond(
      to: RegistryRequest(
        id: "request-1",
        method: method,
        target: target,
        host: host,
        headers: headers,
        clientAddress: client,
        isRetryAfterEviction: isRetryAfterEviction
      ),
      under: load
    )
  }

  /// Returns all bytes of a response, those of a stored file included.
  func content(of response: RegistryResponse) async throws -> [UInt8] {
    switch response.body {
    case .empty: return []
    case .bytes(let bytes): return bytes
    case .stream(let source): return try await source.collect()
    case .blob(let digest):
      let size = try #require(store.size(of: digest))
      return try await FileBlobSource(try #require(store.open(digest)), range: 0..<size).collect()
    }
  }
}

/// The JSON body of an error response.
struct ErrorDocument: Decodable, Sendable {
  struct Item: Decodable, Sendable {
    struct Detail: Decodable, Sendable {
      var upstream: String?
      var status: Int?
      var upstreams: [String]?
    }

    var code: String
    var message: String
    var detail: Detail?
  }

  var errors: [Item]

  /// Returns the only error of a response.
  static func item(of response: RegistryResponse) throws -> Item {
    guard case .bytes(let bytes) = response.body else { throw UpstreamError(.invalidResponse, "no JSON") }
    #expect(response.headers[.contentType] == "application/json")
    let errors = try JSONDecoder().decode(Self.self, from: Data(bytes)).errors
    #expect(errors.count == 1)
    return try #require(errors.first)
  }
}
