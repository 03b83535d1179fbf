internal import Glibc
internal import RegistryHandler
internal import RegistryTestSupport
internal import Testing

@testable internal import regproxy_fcgi

struct AccountConfigurationTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try directory.write("planted\n", to: "password")
    try #require(chmod(directory.path("password"), 0o600) == 0)
  }

  private func account(_ auth: String, _ environment: [String: String] = [:]) throws -> ServiceAccount? {
    let yaml = "upstreams:\n  r.test:\n    auth: {\(auth.replacing("FILE", with: directory.path("password")))}"
    let configuration = try Configuration(yaml: yaml, file: "test.yaml", environment: environment)
    return configuration.upstreams.first { $0.name.description == "r.test" }?.account
  }

  @Test func `an account has its password from a file, a variable or systemd`() async throws {
    let expected = Credentials(username: "robot", password: "planted")
    let file = try account("mode: service, username: robot, password_file: FILE")
    #expect(try await file?.credentials() == expected)
    let variable = try account("mode: service, username: robot, password_env: SECRET", ["SECRET": "planted"])
    #expect(try await variable?.credentials() == expected)
    let credential = try account(
      "mode: service, username: robot, password_file: password",
      ["CREDENTIALS_DIRECTORY": directory.path]
    )
    #expect(try await credential?.credentials() == expected)
    #expect(try account("mode: anonymous") == nil)
    #expect(try account("mode: service, credential_helper: ecr-login")?.name == "of docker-credential-ecr-login")
  }

  @Test(
    arguments: [
      ("username: robot", "needs 'mode:'"),
      ("mode: service", "needs 'username' with 'password_file' or 'password_env', or 'credential_helper'"),
      ("mode: service, username: robot", "needs 'username' with 'password_file'"),
      ("mode: service, password_file: FILE", "needs 'username'"),
      ("mode: service, username: 'a:b', password_file: FILE", "a user name with ':'"),
      ("mode: service, username: robot, password_env: SECRET", "'SECRET', which is not set"),
      ("mode: service, username: robot, password_file: /none", "/none cannot be read"),
      ("mode: service, username: robot, password_file: FILE, password_env: X", "needs 'username' with"),
      ("mode: service, username: robot, credential_helper: x", "names the user itself"),
      ("mode: service, credential_helper: ../x", "must be the name of a helper"),
      ("mode: anonymous, username: robot", "needs 'mode: service'"),
      ("mode: service, username: robot, password: planted", "unknown key 'password'"),
    ]
  )
  func `an account that cannot be used is an error that names the remedy`(_ auth: String, _ message: String) {
    let error = #expect(throws: ConfigurationError.self) { try account(auth) }
    #expect(error?.description.contains(message) == true)
    #expect(error?.description.contains("planted") == false)
  }

  @Test(
    arguments: [
      ("built_in_upstreams: true", ["docker.io", "ghcr.io", "r.test"], []),
      ("built_in_upstreams: false", ["r.test"], ["docker.io", "ghcr.io"]),
      ("built_in_upstreams: [ghcr.io]", ["ghcr.io", "r.test"], ["docker.io", "quay.io"]),
    ] as [(String, [String], [String])]
  )
  func `built-in upstreams can be left out`(_ line: String, _ present: [String], _ absent: [String]) throws {
    let configuration = try Configuration(yaml: "\(line)\nupstreams: {r.test: {}}", file: "test.yaml")
    let names = Set(configuration.upstreams.map(\.name.description))
    #expect(names.isSuperset(of: present) && names.isDisjoint(with: absent))
  }

  @Test func `a changed built-in upstream stays, and an unknown one is an error`() throws {
    let yaml = "built_in_upstreams: false\nupstreams: {docker.io: {tag_ttl: 1h}}"
    let configuration = try Configuration(yaml: yaml, file: "test.yaml")
    #expect(configuration.upstreams.map(\.name.description) == ["docker.io"])
    #expect(throws: ConfigurationError.self) { try Configuration(yaml: "built_in_upstreams: [x.test]", file: "t") }
  }

  @Test func `clients are networks, also in the defaults`() throws {
    let yaml = "defaults: {clients: [10.0.0.0/8]}\nupstreams: {r.test: {clients: [192.0.2.1]}}"
    let configuration = try Configuration(yaml: yaml, file: "test.yaml")
    let upstream = try #require(configuration.upstreams.first { $0.name.description == "r.test" })
    #expect(upstream.admits(IPAddress("192.0.2.1")) && !upstream.admits(IPAddress("10.0.0.1")) && !upstream.admits(nil))
    let other = try #require(configuration.upstreams.first { $0.name.description == "ghcr.io" })
    #expect(other.admits(IPAddress("10.0.0.1")) && !other.admits(IPAddress("192.0.2.1")))
  }
}
