internal import Logging
internal import RegistryHandler
internal import Testing

@testable internal import regproxy_fcgi

struct ConfigurationTests {
  private func parse(_ yaml: String, _ environment: [String: String] = [:]) throws -> Configuration {
    try Configuration(yaml: yaml, file: "test.yaml", environment: environment)
  }

  /// A configuration with every key.
  private static let everyKey =
    """
    listen: 127.0.0.1:9000
    socket_mode: "0600"
    threads: {min: 2, max: 3}
    domain: example.com
    delivery: direct
    drain_timeout: 1h30m
    log: {level: debug, format: text, file: /tmp/worker.log}
    store: {directory: /tmp/store/}
    defaults: {tag_ttl: 5m, stale_if_error: 4w, external_redirects: follow, storage_hosts: [s3.example.com]}
    upstreams:
      registry.corp.example:
        endpoints: [https://one.corp.example, "http://127.0.0.1:5000/base"]
        hosts: [corp.example.com]
        aliases: [corp]
        library: true
        default: true
        realms: [auth.example.net]
        auth: {mode: anonymous}
        allow: ["team/*"]
        deny: ["*/secret"]
        tag_ttl: 90s
        external_redirects: passthrough
        internal_hosts: [cdn.corp.example]
        storage_hosts: ["127.0.0.1:9000"]
        relay_clients: [10.0.0.0/8, "fd00::/8"]
        allow_private: [192.168.0.0/16]
        ca_file: /etc/ssl/corp.pem
    """

  @Test func `an empty file gives the defaults and every built-in upstream`() throws {
    let configuration = try parse("")
    #expect(configuration.listen == .unix(path: "/run/regproxy/worker.sock"))
    #expect(configuration.socketMode == 0o660)
    #expect(configuration.threads == ThreadLimits(min: 32, max: 1024))
    #expect(configuration.storeDirectory == "/var/cache/regproxy")
    #expect(configuration.upstreams.count == 11)
    #expect(configuration.upstreams.filter(\.isDefault).map(\.name.description) == ["docker.io"])
  }

  @Test func `the limits of the store are read, and a variable overrides them`() throws {
    let yaml = "store: {max_size: 100GB, min_free: 2GiB, pins: [docker.io/library/*]}"
    let limits = try Configuration(yaml: yaml, file: "f").storeLimits
    #expect(limits.maxSize == 100_000_000_000)
    #expect(limits.minFree == 2 << 30)
    #expect(limits.pins == [GlobPattern("docker.io/library/*")])
    let variables = ["REGPROXY_STORE_MAX_SIZE": "1TB"]
    #expect(try Configuration(yaml: yaml, file: "f", environment: variables).storeLimits.maxSize == 1_000_000_000_000)
  }

  @Test func `every key of the worker takes effect`() throws {
    let configuration = try parse(Self.everyKey)
    #expect(configuration.listen == .tcp(host: "127.0.0.1", port: 9000))
    #expect(configuration.socketMode == 0o600)
    #expect(configuration.threads == ThreadLimits(min: 2, max: 3))
    #expect(configuration.domain == "example.com")
    #expect(configuration.delivery == .direct)
    #expect(configuration.drainTimeout == .seconds(5400))
    #expect(configuration.log == Configuration.Log(level: .debug, format: .text, file: "/tmp/worker.log"))
    #expect(configuration.storeDirectory == "/tmp/store")
  }

  @Test func `every key of an upstream takes effect`() throws {
    let configuration = try parse(Self.everyKey)
    let upstream = try #require(configuration.upstreamTable.upstream(named: "corp"))
    #expect(upstream.name.description == "registry.corp.example")
    #expect(upstream.endpoints.map(\.description) == ["https://one.corp.example/", "http://127.0.0.1:5000/base"])
    #expect(upstream.hosts == ["corp.example.com"])
    #expect(upstream.hasLibrary)
    #expect(upstream.realms.map(\.description) == ["auth.example.net"])
    #expect(upstream.permits(try #require(RepositoryName("team/app"))))
    #expect(!upstream.permits(try #require(RepositoryName("team/secret"))))
    #expect(!upstream.permits(try #require(RepositoryName("other/app"))))
    #expect(upstream.tagTTL == .seconds(90))
    #expect(upstream.staleIfError == .seconds(4 * 604_800))
    let redirects = upstream.redirects
    #expect(redirects.mode == .passThrough)
    #expect(redirects.internalHosts.map(\.description) == ["cdn.corp.example"])
    #expect(redirects.storageHosts.map(\.description).suffix(2) == ["s3.example.com", "127.0.0.1:9000"])
    #expect(redirects.storageHosts.count == RedirectRules.commonStorageHosts.count + 2)
    #expect(redirects.relayClients == ["10.0.0.0/8", "fd00::/8"].compactMap(IPNetwork.init))
    #expect(upstream.allowPrivate == ["192.168.0.0/16"].compactMap(IPNetwork.init))
    #expect(upstream.caFile == "/etc/ssl/corp.pem")
    #expect(configuration.upstreams.filter(\.isDefault).map(\.name.description) == ["registry.corp.example"])
  }

  @Test func `the keys of defaults apply to all upstreams, those of one upstream to no other`() throws {
    let configuration = try parse(Self.everyKey)
    let other = try #require(configuration.upstreamTable.upstream(named: "ghcr.io"))
    #expect(other.redirects.mode == .follow)
    #expect(other.redirects.storageHosts.map(\.description).last == "s3.example.com")
    #expect(other.redirects.relayClients.isEmpty)
    #expect(other.allowPrivate.isEmpty)
  }

  @Test(
    arguments: [
      ("listne: /tmp/s", 1, "unknown key 'listne'"),
      ("log:\n  level: loud", 2, "'log.level' is 'loud', but must be one of"),
      ("store:\n  directory: relative", 2, "'store.directory' is 'relative'"),
      ("store:\n  directory: \"/tmp/a b\"", 2, "'store.directory'"),
      ("threads: 3", 1, "'threads' must be a mapping"),
      ("threads: {min: many}", 1, "'threads.min' is 'many', but must be a number"),
      ("threads: {min: 5, max: 4}", nil, "'threads.min' is 5 and 'threads.max' 4"),
      ("drain_timeout: 30", 1, "must be a duration"),
      ("socket_mode: \"0999\"", 1, "must be an octal mode"),
      ("listen: worker.sock", 1, "must be an absolute path or 127.0.0.1:PORT"),
      ("listen: 'a;b:9000'", 1, "must be an absolute path or 127.0.0.1:PORT"),
      ("delivery: pigeon", 1, "must be one of x-accel, direct"),
      ("upstreams:\n  Docker.IO: {}", 2, "'Docker.IO' is not a valid upstream name"),
      ("upstreams:\n  docker.io:\n    mirrors: [a]", 3, "unknown key 'mirrors' in 'upstreams.docker.io'"),
      ("upstreams:\n  docker.io:\n    endpoints: [ftp://a]", 3, "must hold base URLs"),
      ("upstreams:\n  docker.io:\n    endpoints: [\"https://me:pw@a\"]", 3, "must hold base URLs"),
      ("upstreams:\n  docker.io:\n    endpoints: []", 3, "must name at least one URL"),
      ("upstreams:\n  docker.io:\n    auth: {mode: client}", 3, "must be one of anonymous"),
      ("upstreams:\n  docker.io:\n    external_redirects: maybe", 3, "must be one of passthrough, follow"),
      ("upstreams:\n  docker.io:\n    relay_clients: [10.0.0.1/8]", 3, "must hold networks such as 10.0.0.0/8"),
      ("upstreams:\n  docker.io:\n    allow_private: [localhost]", 3, "must hold networks"),
      ("upstreams:\n  docker.io:\n    storage_hosts: [\"https://a\"]", 3, "must hold hosts"),
      ("defaults:\n  internal_hosts: [a]", 2, "unknown key 'internal_hosts' in 'defaults'"),
      ("upstreams:\n  docker.io:\n    library: maybe", 3, "must be true or false"),
      ("upstreams:\n  a.example: {default: true}\n  b.example: {default: true}", nil, "only one upstream can be"),
      ("upstreams:\n  a.example: {aliases: [ghcr.io]}", nil, "the name 'ghcr.io' is claimed by both"),
      ("a: [1", 2, "not valid YAML"),
    ] as [(String, Int?, String)]
  )
  func `a mistake is reported with its line`(_ yaml: String, _ line: Int?, _ message: String) {
    let error = #expect(throws: ConfigurationError.self) { try parse(yaml) }
    #expect(error?.file == "test.yaml")
    #expect(error?.line == line)
    #expect(error?.message.contains(message) == true, "\(String(describing: error))")
  }

  @Test func `a named file that is missing is an error`() {
    let error = #expect(throws: ConfigurationError.self) {
      try Configuration.load(path: "/nonexistent/regproxy.yaml", environment: [:])
    }
    #expect(error?.message.contains("cannot be read: No such file") == true)
  }
}
