internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Errors" of `docs/request-handling.md`.
struct RegistryErrorTests {
  /// The responses to one failure: for a blob, a manifest, and a list.
  struct Row: Sendable {
    let kind: UpstreamError.Kind
    let status: Int?
    let blob: String
    let manifest: String
    let list: String

    init(
      _ kind: UpstreamError.Kind,
      _ status: Int?,
      _ blob: String,
      _ manifest: String? = nil,
      _ list: String? = nil
    ) {
      self.kind = kind
      self.status = status
      self.blob = blob
      self.manifest = manifest ?? blob
      self.list = list ?? manifest ?? blob
    }
  }

  @Test(
    arguments: [
      Row(.unreachable, nil, "502 UNAVAILABLE"),
      Row(.timeout, nil, "504 UNAVAILABLE"), Row(.stalled, nil, "504 UNAVAILABLE"),
      Row(.invalidResponse, nil, "502 UNAVAILABLE"),
      Row(.invalidResponse, 403, "502 UNAVAILABLE"),
      Row(.unavailable, nil, "503 UNAVAILABLE"),
      Row(.cancelled, nil, "503 UNAVAILABLE"),
      Row(.authentication, nil, "502 UNAVAILABLE"),
      Row(.authentication, 401, "404 BLOB_UNKNOWN", "404 MANIFEST_UNKNOWN", "404 NAME_UNKNOWN"),
      Row(.authentication, 403, "404 BLOB_UNKNOWN", "403 DENIED"),
      Row(.authentication, 429, "429 TOOMANYREQUESTS"),
      Row(.authentication, 500, "502 UNAVAILABLE"),
      Row(.status, 206, "502 UNAVAILABLE"),
      Row(.status, 400, "502 UNAVAILABLE"),
      Row(.status, 401, "404 BLOB_UNKNOWN", "404 MANIFEST_UNKNOWN", "404 NAME_UNKNOWN"),
      Row(.status, 403, "404 BLOB_UNKNOWN", "403 DENIED"),
      Row(.status, 404, "404 BLOB_UNKNOWN", "404 MANIFEST_UNKNOWN", "404 NAME_UNKNOWN"),
      Row(.status, 405, "502 UNAVAILABLE"),
      Row(.status, 416, "502 UNAVAILABLE"),
      Row(.status, 418, "502 UNAVAILABLE"),
      Row(.status, 429, "429 TOOMANYREQUESTS"),
      Row(.status, 500, "502 UNAVAILABLE"),
      Row(.status, 502, "502 UNAVAILABLE"),
      Row(.status, 503, "503 UNAVAILABLE"),
      Row(.status, 504, "504 UNAVAILABLE"),
    ]
  )
  func `each failure of upstream has its response`(_ row: Row) throws {
    let (name, digest) = (try Values.repository("a"), try Values.digest(of: ""))
    let upstream = try Values.upstream("r.test")
    let routes: [(Route, String)] = [
      (.blob(name, digest), row.blob),
      (.manifest(name, .digest(digest)), row.manifest),
      (.tags(name, TagListQuery()), row.list),
      (.referrers(name, digest, artifactType: nil), row.list),
    ]
    for (route, expected) in routes {
      let error = RegistryError(UpstreamError(row.kind, "why", status: row.status), of: upstream, for: route)
      #expect("\(error.status) \(error.code.rawValue)" == expected)
      #expect(error.message == "r.test: why")
      #expect(error.upstreamStatus == row.status)
      #expect(error.retryAfter == ([429, 503].contains(error.status) ? "5" : nil))
    }
  }

  @Test(
    arguments: [
      (RouteError.malformedPath("/v2/%", "no"), 400, "NAME_INVALID"),
      (.malformedQuery("n=x"), 400, "UNSUPPORTED"),
      (.invalidName("A"), 400, "NAME_INVALID"),
      (.invalidDigest("sha256:0"), 400, "DIGEST_INVALID"),
      (.invalidTag("-"), 400, "TAG_INVALID"),
      (.unknownUpstream("x.test"), 404, "NAME_UNKNOWN"),
      (.unknownEndpoint("v2/x"), 404, "UNSUPPORTED"),
    ]
  )
  func `each invalid request has its response`(_ error: RouteError, _ status: Int, _ code: String) throws {
    let registryError = RegistryError(error, upstreams: ["a.test", "b.test"])
    let response = registryError.response
    let item = try ErrorDocument.item(of: response)
    #expect(response.status == status)
    #expect(item.code == code)
    #expect(item.detail?.upstreams == (status == 404 ? ["a.test", "b.test"] : nil))
    #expect(response.headers[.cacheControl] == "no-store")
  }

  @Test func `a message quotes the request in few printable characters`() throws {
    let long = String(repeating: "\r\n\u{E4}", count: 1_000)
    let message = RegistryError(.invalidName(long), upstreams: []).message
    #expect(message.utf8.allSatisfy { $0 > 0x1F && $0 < 0x7F })
    #expect(message.utf8.count < 400)
  }

  @Test func `upstream's Retry-After is passed on`() throws {
    let failure = UpstreamError(.status, "why", status: 429, retryAfter: "60")
    let error = RegistryError(failure, of: try Values.upstream("r.test"), for: .ping)
    #expect(error.response.headers[.retryAfter] == "60")
    let item = try ErrorDocument.item(of: error.response)
    #expect(item.detail?.upstream == "r.test")
    #expect(item.detail?.status == 429)
    #expect(item.detail?.upstreams == nil)
  }
}
