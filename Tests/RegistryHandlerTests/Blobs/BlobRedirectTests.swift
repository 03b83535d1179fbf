internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Tables "Rules", "Relayed clients" and "Signed URLs" of `docs/rules/redirects.md`, as clients see them.
struct BlobRedirectTests {
  private static let storage = "https://k.s3.amazonaws.com/x?X-Amz-Signature=a%2Fb"
  private static let bytes = [UInt8](repeating: 7, count: 50_000)

  private let digest: Digest
  private let target: String
  private let blob: String

  init() throws {
    digest = try Values.digest(of: Self.bytes)
    target = "/v2/o/a/blobs/\(digest)"
    blob = "https://r.test\(target)"
  }

  private func makeFixture(_ adjust: (inout RedirectRules) -> Void) throws -> ProxyFixture {
    let fixture = try ProxyFixture { adjust(&$0.redirects) }
    fixture.registry.on("GET \(blob)", FakeResponse(307, [.location: Self.storage]))
    fixture.registry.on("GET \(Self.storage)", FakeResponse(200, [:], [Self.bytes]))
    return fixture
  }

  @Test func `a blob from storage is stored where redirects are followed`() async throws {
    let fixture = try makeFixture { $0.mode = .follow }
    let first = await fixture.send(.get, target)
    #expect(first.status == 200)
    #expect(try await fixture.content(of: first) == Self.bytes)
    let second = await fixture.send(.get, target)
    #expect(second.headers[.xCache] == "HIT")
    #expect(fixture.registry.log == ["GET \(blob)", "GET \(Self.storage)"])
    let foreign = try #require(fixture.registry.requests.last)
    #expect(foreign.headers[.authorization] == nil)
    #expect(foreign.headers[.acceptEncoding] == "identity")
    #expect(foreign.addresses == .publicOr(allowed: []))
    #expect(fixture.registry.requests.first?.addresses == .any)
  }

  @Test func `a redirect for the client costs no file`() async throws {
    let fixture = try makeFixture { $0.mode = .passThrough }
    let partials = "\(fixture.store.layout.partials)/sha256"
    try fixture.store.fileSystem.makeDirectory(partials)
    // A file that is created and removed changes the modification time of its directory.
    try fixture.directory.setModificationTime(of: partials, to: 1_000_000_000)
    #expect(await fixture.send(.get, target).status == 307)
    #expect(fixture.registry.log == ["GET \(blob)"])
    #expect(try fixture.directory.modificationTime(of: partials) == 1_000_000_000)
  }

  @Test func `a HEAD stays a HEAD over all redirects`() async throws {
    let fixture = try makeFixture { $0.mode = .follow }
    let response = await fixture.send(.head, target)
    #expect(response.status == 200)
    #expect(response.headers[.contentLength] == "50000")
    #expect(fixture.registry.log == ["HEAD \(blob)", "HEAD \(Self.storage)"])
    #expect(fixture.store.size(of: digest) == nil)
  }

  @Test func `a redirect to an unlisted host goes to the client, whatever the policy`() async throws {
    let fixture = try makeFixture {
      $0.mode = .follow
      $0.storageHosts = []
    }
    for _ in 0..<3 {
      let response = await fixture.send(.get, target)
      #expect(response.status == 307)
      #expect(response.headers[.location] == Self.storage)
    }
    // The second and third request got the redirect of the first.
    #expect(fixture.registry.log == ["GET \(blob)"])
  }

  @Test func `some clients are relayed, others redirected, by one proxy`() async throws {
    let fixture = try makeFixture { $0.relayClients = ["10.0.0.0/8"].compactMap(IPNetwork.init) }
    func status(_ client: String) async -> Int {
      var request = RegistryRequest(id: "1", method: .get, target: target, host: "localhost")
      request.clientAddress = IPAddress(client)
      return await fixture.proxy.respond(to: request).status
    }
    #expect(await status("11.0.0.1") == 307)
    #expect(await status("10.0.0.1") == 200)
    // Now the blob is in the store, which wins.
    while fixture.services.fills.count > 0 { await Task.yield() }
    #expect(await status("11.0.0.1") == 200)
  }

  @Test func `a redirect is reused for a while, for one method and repository`() async throws {
    let fixture = try makeFixture { _ in }
    for _ in 0..<100 { #expect(await fixture.send(.get, target).status == 307) }
    #expect(fixture.registry.log == ["GET \(blob)"])
    for _ in 0..<100 { #expect(await fixture.send(.head, target).status == 307) }
    #expect(fixture.registry.log == ["GET \(blob)", "HEAD \(blob)"])
    #expect(await fixture.send(.get, "/v2/o/b/blobs/\(digest)").status == 404)
    fixture.clock.advance(by: 6)
    #expect(await fixture.send(.get, target).status == 307)
    #expect(fixture.registry.count(of: "GET \(blob)") == 2)
  }

  @Test func `a hundred simultaneous clients share one request`() async throws {
    let fixture = try makeFixture { _ in }
    for method in [HTTPRequest.Method.get, .head] {
      let statuses = await withTaskGroup(of: Int.self) { group in
        for _ in 0..<100 { group.addTask { await fixture.send(method, target).status } }
        return await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
      }
      #expect(statuses == [307: 100])
      #expect(fixture.registry.count(of: "\(method) \(blob)") == 1)
    }
  }

  @Test(arguments: [403, 400]) func `a signed URL that storage refuses is renewed once`(_ status: Int)
    async throws
  {
    let fixture = try makeFixture { $0.mode = .follow }
    let old = "https://k.s3.amazonaws.com/old?Expires=9999999999"
    let locations = Locations([old, Self.storage])
    fixture.registry.on("GET \(blob)") { _ throws(UpstreamError) in FakeResponse(307, [.location: locations.next()]) }
    fixture.registry.on("GET \(old)", FakeResponse(status))
    #expect(await fixture.send(.get, target).status == 200)
    #expect(fixture.registry.log == ["GET \(blob)", "GET \(old)", "GET \(blob)", "GET \(Self.storage)"])
  }

  @Test func `a signed URL that storage refuses twice gets 502 with the host of the storage`() async throws {
    let fixture = try makeFixture { $0.mode = .follow }
    fixture.registry.on("GET \(Self.storage)", FakeResponse(403))
    let response = await fixture.send(.get, target)
    #expect(response.status == 502)
    #expect(try ErrorDocument.item(of: response).message.contains("k.s3.amazonaws.com"))
    #expect(fixture.registry.log.count == 4)
  }

  @Test func `an expired URL is not requested, but the second one is, whatever its expiry`() async throws {
    let fixture = try makeFixture { $0.mode = .follow }
    let expired = "https://k.s3.amazonaws.com/expired?Expires=1000"
    let locations = Locations([expired, expired])
    fixture.registry.on("GET \(blob)") { _ throws(UpstreamError) in FakeResponse(307, [.location: locations.next()]) }
    fixture.registry.on("GET \(expired)", FakeResponse(200, [:], [Self.bytes]))
    #expect(await fixture.send(.get, target).status == 200)
    #expect(fixture.registry.log == ["GET \(blob)", "GET \(blob)", "GET \(expired)"])
  }

  @Test func `a download that breaks off is resumed with a fresh URL`() async throws {
    let fixture = try makeFixture { $0.mode = .follow }
    let first = "https://k.s3.amazonaws.com/1"
    let second = "https://k.s3.amazonaws.com/2"
    let locations = Locations([first, second])
    fixture.registry.on("GET \(blob)") { _ throws(UpstreamError) in FakeResponse(307, [.location: locations.next()]) }
    var broken = FakeResponse(200, [.contentLength: "50000", .eTag: "\"e\""], [Array(Self.bytes[..<30_000])])
    broken.failure = UpstreamError(.unreachable, "cut")
    fixture.registry.on("GET \(first)", broken)
    fixture.registry.on(
      "GET \(second)",
      FakeResponse(206, [.contentRange: "bytes 30000-49999/50000"], [Array(Self.bytes[30_000...])])
    )
    let response = await fixture.send(.get, target)
    #expect(response.status == 200)
    #expect(try await fixture.content(of: response) == Self.bytes)
    #expect(fixture.registry.log == ["GET \(blob)", "GET \(first)", "GET \(blob)", "GET \(second)"])
    let resumed = try #require(fixture.registry.requests.last)
    #expect(resumed.headers[.range] == "bytes=30000-")
    #expect(resumed.headers[.ifRange] == "\"e\"")
  }

  @Test func `a redirect of a manifest is followed whatever the policy, and the manifest verified`() async throws {
    let fixture = try makeFixture { _ in }
    let json = #"{"schemaVersion":2}"#
    let digest = try Values.digest(of: json)
    let elsewhere = "https://other.test/m"
    for (reference, repository) in [
      (digest.description, elsewhere), ("v1", elsewhere), ("wrong", "https://other.test/w"),
    ] {
      fixture.registry.on(
        "GET https://r.test/v2/o/a/manifests/\(reference)",
        FakeResponse(302, [.location: repository])
      )
    }
    let type = "application/vnd.oci.image.manifest.v1+json"
    fixture.registry.on("GET \(elsewhere)", .text(json, [.contentType: type]))
    fixture.registry.on(
      "GET https://other.test/w",
      .text(json, [.contentType: type, .dockerContentDigest: try Values.digest(of: "x").description])
    )
    for reference in [digest.description, "v1"] {
      let response = await fixture.send(.get, "/v2/o/a/manifests/\(reference)")
      #expect(response.status == 200)
      #expect(try await fixture.content(of: response) == Array(json.utf8))
    }
    #expect(await fixture.send(.get, "/v2/o/a/manifests/wrong").status == 502)
    let foreign = fixture.registry.requests.filter { $0.url.host == "other.test" }
    #expect(foreign.allSatisfy { $0.headers[.authorization] == nil && $0.addresses == .publicOr(allowed: []) })
  }

  /// Sends a HEAD, which gets the size from storage's response to a request of one byte.
  private func expectSizeOfOneByte(_ fixture: ProxyFixture) async {
    fixture.registry.on(
      "GET \(Self.storage)",
      FakeResponse(206, [.contentRange: "bytes 0-0/\(Self.bytes.count)"], [[7]])
    )
    let response = await fixture.send(.head, target)
    #expect(response.status == 200)
    #expect(response.headers[.contentLength] == "\(Self.bytes.count)")
  }

  @Test func `a byte is requested when storage refuses HEAD to a URL signed for GET`() async throws {
    let fixture = try makeFixture { $0.mode = .follow }
    fixture.registry.on("HEAD \(Self.storage)", FakeResponse(403))
    await expectSizeOfOneByte(fixture)
  }

  @Test func `a redirect of the GET that replaces a refused HEAD is followed`() async throws {
    let fixture = try makeFixture { _ in }
    fixture.registry.on("HEAD \(blob)", FakeResponse(405))
    await expectSizeOfOneByte(fixture)
    #expect(fixture.registry.log == ["HEAD \(blob)", "GET \(blob)", "GET \(Self.storage)"])
    #expect(fixture.registry.requests.last?.headers[.range] == "bytes=0-0")
    // A client that sends GET is redirected as before.
    #expect(await fixture.send(.get, target).status == 307)
  }

  @Test func `a redirect of the GET that replaces a refused HEAD is an error where its host is unknown`() async throws {
    let fixture = try makeFixture { $0.storageHosts = [] }
    fixture.registry.on("HEAD \(blob)", FakeResponse(405))
    let response = await fixture.send(.head, target)
    #expect(response.status == 502)
    #expect(try ErrorDocument.item(of: response).message.contains("storage_hosts"))
    #expect(fixture.registry.log == ["HEAD \(blob)", "GET \(blob)"])
  }

  @Test func `a client that has the beginning is not redirected`() async throws {
    let fixture = try makeFixture { _ in }
    let start = Array(Self.bytes.prefix(20_000))
    fixture.registry.on("GET \(blob)") { [bytes = Self.bytes] request throws(UpstreamError) in
      guard request.headers[.range] == nil else { return FakeResponse(307, [.location: Self.storage]) }
      var response = FakeResponse(200, [.contentLength: "\(bytes.count)"], [start])
      response.failure = UpstreamError(.unreachable, "lost")
      return response
    }
    fixture.registry.on("GET \(Self.storage)") { [bytes = Self.bytes] request throws(UpstreamError) in
      #expect(request.headers[.range] == "bytes=20000-")
      let range = "bytes 20000-\(bytes.count - 1)/\(bytes.count)"
      return FakeResponse(206, [.contentRange: range], [Array(bytes.dropFirst(20_000))])
    }
    let response = await fixture.send(.get, target)
    #expect(response.status == 200)
    #expect(try await fixture.content(of: response) == Self.bytes)
  }

  @Test func `a partial file stays when the rest is refused`() async throws {
    let fixture = try makeFixture { $0.storageHosts = [] }
    let start = Array(Self.bytes.prefix(20_000))
    fixture.registry.on("GET \(blob)") { [bytes = Self.bytes] request throws(UpstreamError) in
      guard request.headers[.range] == nil else { return FakeResponse(307, [.location: Self.storage]) }
      var response = FakeResponse(200, [.contentLength: "\(bytes.count)"], [start])
      response.failure = UpstreamError(.unreachable, "lost")
      return response
    }
    let response = await fixture.send(.get, target)
    // Cut off, or an error if the refusal was known before the head was out.
    let content = try? await fixture.content(of: response)
    #expect(content != Self.bytes)
    let partial = fixture.store.layout.partial(digest)
    #expect(fixture.store.fileSystem.size(of: partial) == 20_000)
  }
}

/// Locations in turn, the last one again and again.
private final class Locations: Sendable {
  private let rest: Observed<[String]>

  init(_ locations: [String]) { rest = Observed(locations) }

  func next() -> String {
    let next = rest.value.first ?? ""
    rest.update { if $0.count > 1 { $0.removeFirst() } }
    return next
  }
}
