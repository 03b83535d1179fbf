internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Refusals" of `docs/rules/tokens.md`.
struct RefusalCacheTests {
  private let clock = ManualClock()
  private let cache: RefusalCache
  private let key: RefusalCache.Key

  init() throws {
    cache = RefusalCache { [clock] in clock.now }
    key = try Self.key("v1")
  }

  private static func key(_ tag: String) throws -> RefusalCache.Key {
    let repository = try Values.repository("r.test", "o/a")
    return RefusalCache.Key(repository: repository, content: .manifest(.tag(try Values.tag(tag)), acceptable: nil))
  }

  private func refused(_ status: Int) -> UpstreamError { UpstreamError(.status, "no", status: status) }

  /// The methods that a refusal is remembered for.
  private var remembered: Set<HTTPRequest.Method> {
    Set([.get, .head].filter { cache.refusal(of: key, by: $0) != nil })
  }

  @Test(
    arguments: [
      (.status, 404, .get, [.get, .head]), (.status, 404, .head, [.get, .head]),
      (.status, 401, .get, [.get, .head]), (.status, 401, .head, [.head]),
      (.status, 403, .get, [.get, .head]), (.status, 403, .head, [.head]),
      (.authentication, 401, .get, [.get, .head]), (.authentication, 403, .head, [.head]),
      (.authentication, nil, .get, []), (.authentication, 500, .get, []),
      (.status, 400, .get, []), (.status, 410, .get, []), (.status, 429, .get, []), (.status, 500, .get, []),
      (.status, 503, .head, []), (.invalidResponse, 403, .get, []), (.invalidResponse, nil, .get, []),
      (.unreachable, nil, .get, []), (.timeout, nil, .get, []), (.cancelled, nil, .get, []), (.stalled, nil, .get, []),
      (.unavailable, nil, .get, []),
    ] as [(UpstreamError.Kind, Int?, HTTPRequest.Method, Set<HTTPRequest.Method>)]
  )
  func `a refusal is remembered for the methods that it applies to`(
    _ kind: UpstreamError.Kind,
    _ status: Int?,
    _ method: HTTPRequest.Method,
    _ expected: Set<HTTPRequest.Method>
  ) {
    let error = UpstreamError(kind, "why", status: status)
    cache.insert(error, for: key, by: method)
    #expect(remembered == expected)
    for method in expected { #expect(cache.refusal(of: key, by: method) == error) }
  }

  @Test func `a refusal expires after ten seconds, however often it is returned`() {
    cache.insert(refused(404), for: key, by: .get)
    clock.advance(by: 9)
    #expect(remembered == [.get, .head])
    cache.insert(refused(404), for: key, by: .get)
    clock.advance(by: 1)
    #expect(remembered.isEmpty)
    cache.insert(refused(404), for: key, by: .get)
    #expect(remembered == [.get, .head])
  }

  @Test func `a refusal of GET replaces a refusal of HEAD, not the other way round`() {
    cache.insert(refused(401), for: key, by: .head)
    cache.insert(refused(403), for: key, by: .get)
    cache.insert(refused(401), for: key, by: .head)
    #expect(cache.refusal(of: key, by: .head)?.status == 403)
    #expect(remembered == [.get, .head])
  }

  @Test(arguments: [(HTTPRequest.Method.get, false), (.head, true)])
  func `a success removes the refusal`(_ method: HTTPRequest.Method, _ wasOfHead: Bool) {
    cache.insert(refused(401), for: key, by: method)
    #expect(cache.remove(key) == wasOfHead)
    #expect(remembered.isEmpty)
    #expect(!cache.remove(key))
  }

  @Test func `the cache holds a limited number of refusals`() throws {
    for number in 0..<10_000 { cache.insert(refused(404), for: try Self.key("v\(number)"), by: .get) }
    #expect((1...4096).contains(cache.count))
    #expect(cache.refusal(of: try Self.key("v9999"), by: .get) != nil)
  }
}
