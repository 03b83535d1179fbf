internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Redirects" of `docs/request-handling.md`, carried out; and the choice of the endpoint.
struct RedirectFollowerTests {
  private static let signed = "https://s3.test/k?X-Amz-Signature=a%2Fb"

  private let registry = FakeUpstream()
  private let tokens = TokenCache(executor: .forTests) { 0 }
  private let route: Route
  private let blob: String

  init() throws {
    let digest = try Values.digest(of: "x")
    route = .blob(try Values.repository("a"), digest)
    blob = "GET https://r.test/v2/a/blobs/\(digest)"
  }

  private func makeUpstream(_ endpoints: [String] = ["https://r.test"]) throws -> UpstreamSession {
    let upstream = Upstream(name: try Values.upstream("r.test"), endpoints: try endpoints.map { try Values.url($0) })
    return UpstreamSession(upstream, UpstreamContext(client: registry, tokens: tokens, now: { 0 }))
  }

  private func redirect(to location: String, _ status: Int = 307) -> FakeAnswer {
    FakeAnswer(status, [.location: location])
  }

  @Test func `a redirect to the same origin is followed with the token`() async throws {
    let challenge = FakeAnswer.challenge(#"Bearer realm="https://r.test/token""#)
    registry.on("GET https://r.test/token?scope=repository%3Aa%3Apull", .text(#"{"token":"t"}"#))
    registry.on(blob) { [redirect] request throws(UpstreamError) in
      request.headers[.authorization] == nil ? challenge : redirect("/elsewhere?x=%2F", 302)
    }
    registry.on("GET https://r.test/elsewhere?x=%2F", .text("x"))
    guard case .response(let response) = try await makeUpstream().send(.get, route) else {
      Issue.record("the redirect was not followed")
      return
    }
    #expect(response.status == 200)
    #expect(registry.requests.last?.url.target == "/elsewhere?x=%2F")
    #expect(registry.requests.last?.headers[.authorization] == "Bearer t")
  }

  @Test func `a redirect elsewhere is handed back, and nobody is asked there`() async throws {
    registry.on(blob, redirect(to: Self.signed))
    guard case .redirect(let redirect) = try await makeUpstream().send(.get, route),
      redirect == ClientRedirect(status: 307, location: Self.signed, method: .get)
    else {
      Issue.record("the redirect was not handed back")
      return
    }
    #expect(registry.log == [blob])
  }

  @Test(arguments: [nil, "http://r.test/x", "ftp://r.test/", "https://u:p@s3.test/"])
  func `a redirect that the table refuses is an invalid answer`(_ location: String?) async throws {
    registry.on(blob, location.map { redirect(to: $0) } ?? FakeAnswer(302))
    let upstream = try makeUpstream()
    let error = await #expect(throws: UpstreamError.self) { try await upstream.send(.get, route) }
    #expect(error?.kind == .invalidResponse)
    #expect(registry.log == [blob])
  }

  @Test func `redirects in a circle end`() async throws {
    registry.on(blob, redirect(to: "/1"))
    registry.on("GET https://r.test/1", redirect(to: "/2"))
    registry.on("GET https://r.test/2", redirect(to: "/1"))
    let upstream = try makeUpstream()
    let error = await #expect(throws: UpstreamError.self) { try await upstream.send(.get, route) }
    #expect(error?.kind == .invalidResponse)
    #expect(registry.log.count == 3)
  }

  @Test func `redirects without end end after five`() async throws {
    registry.on(blob, redirect(to: "/1"))
    for number in 1...9 { registry.on("GET https://r.test/\(number)", redirect(to: "/\(number + 1)")) }
    let upstream = try makeUpstream()
    await #expect(throws: UpstreamError.self) { try await upstream.send(.get, route) }
    #expect(registry.log.count == 6)
  }

  @Test(arguments: [UpstreamError.Kind.unreachable, .timeout])
  func `the next endpoint is asked when one gives no answer`(_ kind: UpstreamError.Kind) async throws {
    let second = blob.replacing("https://r.test", with: "https://second.test:444/base")
    registry.fail(blob, UpstreamError(kind, "no"))
    registry.on(second, .text("x"))
    let upstream = try makeUpstream(["https://r.test", "https://second.test:444/base/"])
    for _ in 0..<2 {
      guard case .response(let response) = try await upstream.send(.get, route) else {
        Issue.record("there was no answer")
        return
      }
      #expect(response.status == 200)
    }
    // For a while, nobody waits for the first again.
    #expect(registry.log == [blob, second, second])
  }

  @Test func `a token goes to the endpoint it is for, to no other`() async throws {
    let second = blob.replacing("r.test", with: "second.test")
    registry.on("GET https://r.test/token?scope=repository%3Aa%3Apull", .text(#"{"token":"t"}"#))
    let challenge = FakeAnswer.challenge(#"Bearer realm="https://r.test/token""#)
    let first = try makeUpstream(["https://r.test", "https://second.test"])
    registry.on(blob) { request throws(UpstreamError) in
      request.headers[.authorization] == nil ? challenge : .text("x")
    }
    _ = try await first.send(.get, route)
    registry.fail(blob)
    registry.on(second, .text("x"))
    _ = try await first.send(.get, route)
    let foreign = registry.requests.filter { $0.url.host != "r.test" }
    #expect(foreign.map { "\($0.method) \($0.url)" } == [second])
    #expect(foreign.allSatisfy { $0.headers[.authorization] == nil })
  }

  @Test func `a token service that fails is no failure of its endpoint`() async throws {
    let second = blob.replacing("r.test", with: "second.test")
    registry.on(blob, .challenge(#"Bearer realm="https://auth.r.test/token""#))
    let token = "GET https://auth.r.test/token?scope=repository%3Aa%3Apull"
    registry.fail(token, UpstreamError(.timeout, "no"))
    registry.on(second, .text("x"))
    let upstream = try makeUpstream(["https://r.test", "https://second.test"])
    for _ in 0..<2 { _ = try await upstream.send(.get, route) }
    #expect(registry.count(of: blob) == 2 && registry.count(of: token) == 2 && registry.count(of: second) == 2)
  }

  @Test func `what one endpoint has said is told when another cannot be reached`() async throws {
    registry.fail(blob)
    registry.on(blob.replacing("r.test", with: "second.test"), FakeAnswer(429, [.retryAfter: "60"]))
    let upstream = try makeUpstream(["https://r.test", "https://second.test"])
    _ = try await upstream.send(.get, route)
    // The first is asked last now.
    let error = await #expect(throws: UpstreamError.self) { try await upstream.send(.get, route) }
    #expect(error?.status == 429 && error?.retryAfter == "60")
  }

  @Test func `without any answer the last failure is told`() async throws {
    let second = blob.replacing("r.test", with: "second.test")
    registry.fail(blob, UpstreamError(.unreachable, "first"))
    registry.fail(second, UpstreamError(.timeout, "second"))
    let upstream = try makeUpstream(["https://r.test", "https://second.test"])
    await #expect(throws: UpstreamError(.timeout, "second")) { try await upstream.send(.get, route) }
  }

  @Test(arguments: [408, 429, 500, 503])
  func `the next endpoint is asked when one answers something of the moment`(_ status: Int) async throws {
    let second = blob.replacing("r.test", with: "second.test")
    registry.on(blob, FakeAnswer(status))
    registry.on(second, .text("x"))
    let upstream = try makeUpstream(["https://r.test", "https://second.test"])
    guard case .response(let response) = try await upstream.send(.get, route) else {
      Issue.record("there was no answer")
      return
    }
    #expect(response.status == 200)
    #expect(response.endpoint == 1)
    #expect(registry.log == [blob, second])
    registry.on(second, FakeAnswer(status))
    guard case .response(let last) = try await upstream.send(.get, route) else {
      Issue.record("there was no answer")
      return
    }
    #expect(last.status == status)
  }

  @Test func `one endpoint alone is asked where that is wanted`() async throws {
    let second = blob.replacing("r.test", with: "second.test")
    registry.on(second, FakeAnswer(503))
    let upstream = try makeUpstream(["https://r.test", "https://second.test"])
    guard case .response(let response) = try await upstream.send(.get, route, headers: [:], toEndpoint: 1, by: .now + .seconds(60)) else {
      Issue.record("there was no answer")
      return
    }
    #expect(response.status == 503)
    #expect(registry.log == [second])
  }

  @Test(arguments: [400, 401, 403, 404, 416])
  func `any other answer is an answer`(_ status: Int) async throws {
    registry.on(blob, FakeAnswer(status, status == 401 ? [.wwwAuthenticate: "Basic"] : [:]))
    guard
      case .response(let response) = try await makeUpstream(["https://r.test", "https://second.test"])
        .send(.get, route)
    else {
      Issue.record("there was no answer")
      return
    }
    #expect(response.status == status)
    #expect(registry.log == [blob])
  }

  @Test func `a refusal of where a manifest has been moved is a refusal`() async throws {
    let manifest = Route.manifest(try Values.repository("a"), .tag(try #require(TagName("1"))))
    registry.on("GET https://r.test\(manifest.target)", redirect(to: "https://x.test/m?Signature=1"))
    registry.on("GET https://x.test/m?Signature=1", FakeAnswer(403))
    guard case .response(let response) = try await makeUpstream().send(.get, manifest) else {
      Issue.record("there was no answer")
      return
    }
    #expect(response.status == 403)
    #expect(response.redirectedTo == "x.test")
    #expect(!UpstreamError(refusing: response, manifest).allowsStaleResponse)
    #expect(UpstreamError(refusing: response, manifest).reason.contains("x.test"))
  }
}
