internal import Glibc
internal import RegistryTestSupport
internal import Testing

@testable internal import regproxy_fcgi

struct SecretFileTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func write(_ text: String, mode: mode_t) throws -> String {
    let path = directory.path("password")
    try directory.write(text, to: "password")
    try #require(chmod(path, mode) == 0)
    return path
  }

  @Test(arguments: [("p", "p"), ("p\n", "p"), ("p\r\n", "p"), (" p q \n", " p q "), ("p\n\n", "p\n")])
  func `the password is the file without its last line break`(_ text: String, _ password: String) throws {
    #expect(try SecretFile.password(at: write(text, mode: 0o640)) == password)
  }

  @Test(arguments: [0o644, 0o604, 0o602, 0o666] as [mode_t])
  func `a file that others can read or change is refused, with the remedy`(_ mode: mode_t) throws {
    let path = try write("planted", mode: mode)
    let refusal = #expect(throws: SecretFile.Refusal.self) { try SecretFile.password(at: path) }
    #expect(refusal?.description == "\(path) can be read or changed by every user: run chmod o-rwx \(path)")
  }

  @Test func `a missing or empty file, a directory and binary data are refused`() throws {
    #expect(throws: SecretFile.Refusal.self) { try SecretFile.password(at: directory.path("absent")) }
    #expect(throws: SecretFile.Refusal.self) { try SecretFile.password(at: directory.path) }
    try #require(mkfifo(directory.path("pipe"), 0o600) == 0)
    #expect(throws: SecretFile.Refusal.self) { try SecretFile.password(at: directory.path("pipe")) }
    #expect(throws: SecretFile.Refusal.self) { try SecretFile.password(at: write("", mode: 0o600)) }
    #expect(throws: SecretFile.Refusal.self) { try SecretFile.password(at: write("\n", mode: 0o600)) }
    #expect(throws: SecretFile.Refusal.self) {
      try SecretFile.password(at: write(String(repeating: "a", count: 70_000), mode: 0o600))
    }
  }

  @Test func `a name is a credential of systemd`() throws {
    let environment = ["CREDENTIALS_DIRECTORY": "/run/credentials/x"]
    #expect(try SecretFile.path(of: "quay", environment: environment) == "/run/credentials/x/quay")
    #expect(try SecretFile.path(of: "/etc/quay", environment: environment) == "/etc/quay")
    for name in ["a/b", "..", "."] {
      #expect(throws: SecretFile.Refusal.self) { try SecretFile.path(of: name, environment: environment) }
    }
    #expect(throws: SecretFile.Refusal.self) { try SecretFile.path(of: "quay", environment: [:]) }
  }
}
