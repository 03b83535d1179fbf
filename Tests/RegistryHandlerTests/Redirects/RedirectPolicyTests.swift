internal import Testing

@testable internal import RegistryHandler

/// Table "Redirects" of `docs/request-handling.md`.
struct RedirectPolicyTests {
  struct Row: Sendable {
    var status = 307
    let location: String?
    var request = "https://r.example/v2/a/blobs/x"
    var endpoint = "https://r.example/"
    let action: Action

    enum Action: Sendable {
      case follow(String)
      case passThrough(String)
      case refuse(RedirectRefusal)
    }
  }

  @Test(
    arguments: [
      // The same origin.
      Row(location: "/v2/b", action: .follow("https://r.example/v2/b")),
      Row(location: "y?z=%2F", action: .follow("https://r.example/v2/a/blobs/y?z=%2F")),
      Row(location: "https://R.example:443/b", action: .follow("https://r.example:443/b")),
      Row(status: 301, location: "/b", action: .follow("https://r.example/b")),
      Row(status: 302, location: "/b", action: .follow("https://r.example/b")),
      Row(status: 303, location: "/b", action: .follow("https://r.example/b")),
      Row(status: 308, location: "/b", action: .follow("https://r.example/b")),
      // Another one.
      Row(
        location: "https://b.s3.amazonaws.com/k?X-Amz-Signature=a%2Bb",
        action: .passThrough("https://b.s3.amazonaws.com/k?X-Amz-Signature=a%2Bb")
      ),
      Row(location: "https://r.example:8443/b", action: .passThrough("https://r.example:8443/b")),
      Row(location: "https://cdn.r.example/b", action: .passThrough("https://cdn.r.example/b")),
      Row(location: "https://169.254.169.254/", action: .passThrough("https://169.254.169.254/")),
      Row(location: "HTTPS://CDN.example/B", action: .passThrough("HTTPS://CDN.example/B")),
      // What is written relative to upstream's URL, the client could not resolve.
      Row(location: "//cdn.example/b", action: .passThrough("https://cdn.example/b")),
      Row(location: "/b", endpoint: "https://other.example/", action: .passThrough("https://r.example/b")),
      // From http there may be a way to https, never back.
      Row(
        location: "https://r.example/b",
        request: "http://r.example/a",
        endpoint: "http://r.example/",
        action: .passThrough("https://r.example/b")
      ),
      Row(
        location: "http://cdn.example/b",
        request: "http://r.example/a",
        endpoint: "http://r.example/",
        action: .passThrough("http://cdn.example/b")
      ),
      Row(location: "http://r.example/b", action: .refuse(.downgrade(host: "r.example"))),
      Row(location: "http://cdn.example/b", action: .refuse(.downgrade(host: "cdn.example"))),
      // No place to go to.
      Row(location: nil, action: .refuse(.noLocation)),
      Row(location: "", action: .refuse(.noLocation)),
      Row(location: "ftp://cdn.example/b", action: .refuse(.malformedLocation)),
      Row(location: "file:///etc/passwd", action: .refuse(.malformedLocation)),
      Row(location: "https://user:pw@cdn.example/b", action: .refuse(.malformedLocation)),
      Row(location: "https://r.example@cdn.example/b", action: .refuse(.malformedLocation)),
      Row(location: "https://cdn.example/b\r\nSet-Cookie: x", action: .refuse(.malformedLocation)),
      Row(location: "https://cdn.example/b c", action: .refuse(.malformedLocation)),
      Row(location: "https://cdn.example/b#f", action: .refuse(.malformedLocation)),
      Row(status: 300, location: "/b", action: .refuse(.notARedirect(300))),
      Row(status: 304, location: "/b", action: .refuse(.notARedirect(304))),
      Row(status: 305, location: "/b", action: .refuse(.notARedirect(305))),
      Row(status: 399, location: "/b", action: .refuse(.notARedirect(399))),
      // Round in a circle.
      Row(location: "https://r.example/v2/a/blobs/x", action: .refuse(.cycle)),
      Row(location: "", action: .refuse(.noLocation)),
    ]
  )
  func `each rule has its action`(_ row: Row) throws {
    let request = try Values.url(row.request)
    let action = RedirectPolicy().action(
      status: row.status,
      location: row.location,
      request: request,
      endpoint: try Values.url(row.endpoint),
      hops: [request]
    )
    switch row.action {
    case .follow(let target): #expect(action == .follow(try Values.url(target)))
    case .passThrough(let location): #expect(action == .passThrough(location: location))
    case .refuse(let refusal): #expect(action == .refuse(refusal))
    }
  }

  @Test(arguments: 1...7)
  func `five hops are followed, not six`(_ count: Int) throws {
    let hops = try (1...count).map { try Values.url("https://r.example/\($0)") }
    let action = RedirectPolicy().action(
      status: 302,
      location: "/next",
      request: try #require(hops.last),
      endpoint: try Values.url("https://r.example"),
      hops: hops
    )
    #expect(action == (count <= 5 ? .follow(try Values.url("https://r.example/next")) : .refuse(.tooManyHops(5))))
  }

  @Test func `a circle of several hops is seen`() throws {
    let hops = try ["https://r.example/1", "https://r.example/2"].map { try Values.url($0) }
    let endpoint = try Values.url("https://r.example")
    let action = RedirectPolicy().action(
      status: 302,
      location: "/1",
      request: hops[1],
      endpoint: endpoint,
      hops: hops
    )
    #expect(action == .refuse(.cycle))
  }
}
