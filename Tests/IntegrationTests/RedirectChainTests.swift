internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  /// Chains of redirects between three servers, seen by one proxy: `follow.test` and `pass.test` are the same registry.
  struct RedirectChainTests {
    /// The hosts of a chain by their role for the upstream.
    private enum Host: Character, CaseIterable {
      case endpoint = "e"
      case intern = "i"
      case storage = "s"
    }

    private let servers: [Host: ScriptedRegistry]
    private let stack: ProxyStack
    private let tokens = ScriptedTokens()

    init() async throws {
      let servers = [
        Host.endpoint: try ScriptedRegistry(), .intern: try ScriptedRegistry(), .storage: try ScriptedRegistry(),
      ]
      self.servers = servers
      servers[.endpoint]?.requireTokens(tokens)
      func url(_ host: Host) -> String { servers[host]?.url ?? "" }
      func authority(_ host: Host) -> String { String(url(host).dropFirst("http://".count)) }
      let common = """
        {endpoints: ["\(url(.endpoint))"], internal_hosts: ["\(authority(.intern))"],
             storage_hosts: ["\(authority(.storage))"], allow_private: [127.0.0.0/8], external_redirects:
        """
      stack = try await ProxyStack.start(
        """
        threads: {min: 4, max: 64}
        upstreams:
          follow.test: \(common) follow}
          pass.test: \(common) passthrough}
        """
      ).stack
    }

    /// The table's verdict on a chain: its content, the hop whose redirect is passed to the client, or a refusal.
    private enum Outcome: Equatable {
      case content
      case clients(hop: Int)
      case refused
    }

    private func outcome(_ chain: [Host], follows: Bool) -> Outcome {
      for hop in 1..<chain.count {
        if hop > 5 { return .refused }
        if chain[hop] == .storage && !follows { return .clients(hop: hop) }
      }
      return .content
    }

    /// Scripts a chain, and returns the digest of the content at its end and the Location of each hop.
    private func script(
      _ chain: [Host],
      _ status: Int,
      isRelative: Bool,
      name: String
    ) -> (digest: String, locations: [String]) {
      let bytes = DeterministicBytes.make(count: 40_000, seed: name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
      let digest = sha256Digest(of: bytes)
      func path(_ hop: Int) -> String { hop == 0 ? "/v2/\(name)/blobs/\(digest)" : "/\(name)/\(hop)" }
      var locations = [""]
      for hop in 1..<chain.count {
        let target = "\(path(hop))?signature=a%2Fb+\(hop)"
        let isSameHost = chain[hop] == chain[hop - 1]
        locations.append(isSameHost && isRelative ? target : "\(servers[chain[hop]]?.url ?? "")\(target)")
        servers[chain[hop - 1]]?.answer(path(hop - 1), with: .redirect(status, to: locations[hop]))
      }
      if let last = chain.last {
        servers[last]?.answer(path(chain.count - 1), with: ScriptedResponse(body: .bytes(bytes)))
      }
      return (digest, locations)
    }

    private static let chains = [
      "ee", "ei", "es", "eee", "eis", "eie", "ess", "ese", "eeis", "eisi", "eiess", "eeeee", "eisies", "eiiiis",
      "eeeeee",
      "eeiess", "esesei", "eeeeeee", "eisiesi", "esssses", "eiiiiis",
    ]

    @Test(arguments: [301, 302, 303, 307, 308])
    func `a chain of redirects ends where the table says`(status: Int) async throws {
      for text in Self.chains {
        let chain = try text.map { try #require(Host(rawValue: $0)) }
        for (isRelative, follows) in [(true, true), (true, false), (false, true), (false, false)] {
          let name = "\(text)/r\(isRelative ? 1 : 0)f\(follows ? 1 : 0)/s\(status)"
          let (digest, locations) = script(chain, status, isRelative: isRelative, name: name)
          let target = "/v2/\(follows ? "follow" : "pass").test/\(name)/blobs/\(digest)"
          let answer = try await stack.client.get(target)
          switch outcome(chain, follows: follows) {
          case .content: #expect(answer.isWhole(digest), "\(name): \(answer.status) \(answer.text.prefix(200))")
          case .clients(let hop):
            #expect(answer.status == status, "\(name)")
            #expect(
              answer.headers["Location"].map { $0.hasSuffix(locations[hop]) && $0.contains("://") } == true,
              "\(name)"
            )
          case .refused:
            #expect(answer.status == 502, "\(name)")
            #expect(answer.text.contains("more than 5 times"), "\(name)")
          }
        }
      }
      // Credentials went to the endpoint only; every query arrived as it was written.
      for host in [Host.intern, .storage] {
        let requests = servers[host]?.requests ?? []
        #expect(!requests.isEmpty)
        #expect(requests.allSatisfy { !$0.headers.contains("Authorization") && !$0.headers.contains("Cookie") })
        #expect(requests.allSatisfy { $0.target.contains("?signature=a%2Fb+") })
        #expect(requests.allSatisfy { $0.headers["Accept-Encoding"] == "identity" })
      }
      #expect(servers[.endpoint]?.requests.contains { $0.headers.contains("Authorization") } == true)
    }

    @Test func `a client's credentials reach neither upstream nor storage nor the log`() async throws {
      let (digest, _) = script([.endpoint, .intern, .storage], 307, isRelative: false, name: "c/c")
      let secrets: HeaderLines = ["Authorization": "Bearer planted", "Cookie": "planted=1", "X-Planted": "planted"]
      let answer = try await stack.client.get("/v2/follow.test/c/c/blobs/\(digest)", headers: secrets)
      #expect(answer.isWhole(digest))
      for server in servers.values {
        #expect(!server.requests.isEmpty)
        #expect(server.requests.allSatisfy { request in !request.headers.contains { $0.value.contains("planted") } })
      }
      #expect(!stack.log.contains("planted"))
    }

    @Test func `a HEAD request stays HEAD along a chain and stores nothing`() async throws {
      let (digest, _) = script([.endpoint, .intern, .storage], 302, isRelative: false, name: "h/h")
      let head = try await stack.client.head("/v2/follow.test/h/h/blobs/\(digest)")
      #expect(head.status == 200)
      #expect(head.headers["Content-Length"] == "40000")
      #expect(servers[.storage]?.requests.map(\.method) == ["HEAD"])
      #expect(try stack.storedBlobs().isEmpty)
    }

    @Test func `a circle over two hosts is a 502 after a few requests`() async throws {
      let digest = sha256Digest(of: "circle")
      let intern = try #require(servers[.intern])
      let endpoint = try #require(servers[.endpoint])
      endpoint.answer("/v2/a/a/blobs/\(digest)", with: .redirect(307, to: "\(intern.url)/1"))
      intern.answer("/1", with: .redirect(307, to: "\(endpoint.url)/2"))
      endpoint.answer("/2", with: .redirect(307, to: "\(intern.url)/1"))
      let answer = try await stack.client.get("/v2/follow.test/a/a/blobs/\(digest)")
      #expect(answer.status == 502)
      #expect(answer.text.contains("circle"))
      #expect(intern.requests.count == 1)
    }
  }
}
