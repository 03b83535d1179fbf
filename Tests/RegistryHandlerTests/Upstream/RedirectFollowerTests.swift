internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Tables "Rules" of `docs/rules/redirects.md` and "Endpoints" of `docs/rules/tokens.md`, carried out.
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
    return UpstreamSession(upstream, UpstreamContext(client: registry, tokens: tokens, accounts: .forTests, now: { 0 }))
  }

  private func redirect(to location: String, _ status: Int = 307) -> FakeResponse {
    FakeResponse(status, [.location: location])
  }

  @Test func `a redirect to the same origin is followed with the token`() async throws {
    let challenge = FakeResponse.challenge(#"Bearer realm="https://r.test/token""#)
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

  @Test func `a redirect to another host is passed through, and that host is not contacted`() async throws {
    registry.on(blob, redirect(to: Self.signed))
    guard case .redirect(let redirect) = try await makeUpstream().send(.get, route),
      redirect == ClientRedirect(status: 307, location: Self.signed, method: .get)
    else {
      Issue.record("the redirect was not passed through")
      return
    }
    #expect(registry.log == [blob])
  }

  @Test(arguments: [nil, "http://r.test/x", "ftp://r.test/", "https://u:p@s3.test/"])
  func `a redirect that the rules refuse is an invalid response`(_ location: String?) async throws {
    registry.on(blob, location.map { redirect(to: $0) } ?? FakeResponse(302))
    let upstream = try makeUpstream()
    let error = await #expect(throws: UpstreamError.self) { try await upstream.send(.get, route) }
    #expect(error?.kind == .invalidResponse)
    #expect(registry.log == [blob])
  }

  @Test func `a circle of redirects is an invalid response`() async throws {
    registry.on(blob, redirect(to: "/1"))
    registry.on("GET https://r.test/1", redirect(to: "/2"))
    registry.on("GET https://r.test/2", redirect(to: "/1"))
    let upstream = try makeUpstream()
    let error = await #expect(throws: UpstreamError.self) { try await upstream.send(.get, route) }
    #expect(error?.kind == .invalidResponse)
    #expect(registry.log.count == 3)
  }

  @Test func `a chain of redirects is refused after five`() async throws {
    registry.on(blob, redirect(to: "/1"))
    for number in 1...9 { registry.on("GET https://r.test/\(number)", redirect(to: "/\(number + 1)")) }
    let upstream = try makeUpstream()
    await #expect(throws: UpstreamError.self) { try await upstream.send(.get, route) }
    #expect(registry.log.count == 6)
  }

  @Test(arguments: [UpstreamError.Kind.unreachable, .timeout])
  func `the next endpoint is tried when one does not respond`(_ kind: UpstreamError.Kind) async throws {
    let second = blob.replacing("https://r.test", with: "https://second.test:444/base")
    registry.fail(blob, UpstreamError(kind, "no"))
    registry.on(second, .text("x"))
    let upstream = try makeUpstream(["https://r.test", "https://second.test:444/base/"])
    for _ in 0..<2 {
      guard case .response(let response) = try await upstream.send(.get, route) else {
        Issue.record("there was no response")
        return
      }
      #expect(response.status == 200)
    }
    // For a while, no request waits for the first one again.
    #expect(registry.log == [blob, second, second])
  }

  @Test func `a token is sent only to its own endpoint`() async throws {
    let second = blob.replacing("r.test", with: "second.test")
    registry.on("GET https://r.test/token?scope=repository%3Aa%3Apull", .text(#"{"token":"t"}"#))
    let challenge = FakeResponse.challenge(#"Bearer realm="https://r.test/token""#)
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

  @Test func `a failed token service does not count as a failure of its endpoint`() async throws {
    let second = blob.replacing("r.test", with: "second.test")
    registry.on(blob, .challenge(#"Bearer realm="https://auth.r.test/token""#))
    let token = "GET https://auth.r.test/token?scope=repository%3Aa%3Apull"
    registry.fail(token, UpstreamError(.timeout, "no"))
    registry.on(second, .text("x"))
    let upstream = try makeUpstream(["https://r.test", "https://second.test"])
    for _ in 0..<2 { _ = try await upstream.send(.get, route) }
    #expect(registry.count(of: blob) == 2 && registry.count(of: token) == 2 && registry.count(of: second) == 2)
  }

  @Test func `the status of one endpoint is returned when another cannot be reached`() async throws {
    registry.fail(blob)
    registry.on(blob.replacing("r.test", with: "second.test"), FakeResponse(429, [.retryAfter: "60"]))
    let upstream = try makeUpstream(["https://r.test", "https://second.test"])
    _ = try await upstream.send(.get, route)
    // The first one is tried last now.
    let error = await #expect(throws: UpstreamError.self) { try await upstream.send(.get, route) }
    #expect(error?.status == 429 && error?.retryAfter == "60")
  }

  @Test func `the last failure is returned when no endpoint responds`() async throws {
    let second = blob.replacing("r.test", with: "second.test")
    registry.fail(blob, UpstreamError(.unreachable, "first"))
    registry.fail(second, UpstreamError(.timeout, "second"))
    let upstream = try makeUpstream(["https://r.test", "https://second.test"])
    await #expect(throws: UpstreamError(.timeout, "second")) { try await upstream.send(.get, route) }
  }

  @Test(arguments: [408, 429, 500, 503])
  func `the next endpoint is tried after a transient status`(_ status: Int) async throws {
    let second = blob.replacing("r.test", with: "second.test")
    registry.on(blob, FakeResponse(status))
    registry.on(second, .text("x"))
    let upstream = try makeUpstream(["https://r.test", "https://second.test"])
    guard case .response(let response) = try await upstream.send(.get, route) else {
      Issue.record("there was no response")
      return
    }
    #expect(response.status == 200)
    #expect(response.endpoint == 1)
    #expect(registry.log == [blob, second])
    registry.on(second, FakeResponse(status))
    guard case .response(let last) = try await upstream.send(.get, route) else {
      Issue.record("there was no response")
      return
    }
    #expect(last.status == status)
  }

  @Test func `a request to a chosen endpoint tries no other`() async throws {
    let second = blob.replacing("r.test", with: "second.test")
    registry.on(second, FakeResponse(503))
    let upstream = try makeUpstream(["https://r.test", "https://second.test"])
    guard
      case .response(let response) = try await upstream.send(
        .get,
        route,
        headers: [:],
        toEndpoint: 1,
        by: .now + .seconds(60)
      )
    else {
      Issue.record("there was no response")
      return
    }
    #expect(response.status == 503)
    #expect(registry.log == [second])
  }

  @Test(arguments: [400, 401, 403, 404, 416])
  func `any other status is final`(_ status: Int) async throws {
    registry.on(blob, FakeResponse(status, status == 401 ? [.wwwAuthenticate: "Basic"] : [:]))
    guard
      case .response(let response) = try await makeUpstream(["https://r.test", "https://second.test"])
        .send(.get, route)
    else {
      Issue.record("there was no response")
      return
    }
    #expect(response.status == status)
    #expect(registry.log == [blob])
  }

  @Test func `a refusal by the target of a manifest's redirect is a refusal`() async throws {
    let manifest = Route.manifest(try Values.repository("a"), .tag(try #require(TagName("1"))))
    registry.on("GET https://r.test\(manifest.target)", redirect(to: "https://x.test/m?Signature=1"))
    registry.on("GET https://x.test/m?Signature=1", FakeResponse(403))
    guard case .response(let response) = try await makeUpstream().send(.get, manifest) else {
      Issue.record("there was no response")
      return
    }
    #expect(response.status == 403)
    #expect(response.redirectedTo == "x.test")
    #expect(!UpstreamError(refusing: response, manifest).allowsStaleResponse)
    #expect(UpstreamError(refusing: response, manifest).reason.contains("x.test"))
  }
}
