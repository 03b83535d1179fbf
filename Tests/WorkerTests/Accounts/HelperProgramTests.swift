internal import Glibc
internal import RegistryTestSupport
internal import Testing

@testable internal import regproxy_fcgi

struct HelperProgramTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func run(_ script: String, within limit: Duration = .seconds(20)) throws -> Result<
    [UInt8], HelperProgram.Failure
  > {
    // Not as a program of its own, which another test's process may still have open for writing.
    try directory.write(script, to: "helper")
    return HelperProgram.run("sh", directory.path("helper"), input: "registry.test", within: limit)
  }

  @Test func `a program gets its input, and its output is returned`() throws {
    let output = try run(#"read server; echo "got $server"; echo secret >&2"#)
    #expect(output == .success(Array("got registry.test\n".utf8)))
  }

  @Test(arguments: [("exit 3", HelperProgram.Failure.ended(status: 3)), ("kill -9 $$", .ended(status: 137))])
  func `a program that fails brings nothing`(_ script: String, _ failure: HelperProgram.Failure) throws {
    #expect(try run("echo x; \(script)") == .failure(failure))
  }

  @Test(arguments: ["sleep 60", "echo x; exec >&-; exec sleep 60", "while :; do echo x; sleep 0.01; done"])
  func `a program that does not end is killed in time`(_ script: String) throws {
    let result = try run("exec 2>/dev/null; \(script)", within: .milliseconds(300))
    guard case .failure(let failure) = result else { throw HelperProgram.Failure.tooMuchOutput }
    #expect(failure == .timedOut || failure == .ended(status: 137))
  }

  @Test func `endless output and a missing program are failures`() throws {
    #expect(try run("exec yes") == .failure(.tooMuchOutput))
    let missing = HelperProgram.run("docker-credential-none-such", "get", input: "x", within: .seconds(1))
    #expect(missing == .failure(.notStarted(ENOENT)))
  }

  @Test func `signals that the worker blocks end a program`() throws {
    #expect(try run("kill -TERM $$; sleep 20") == .failure(.ended(status: 143)))
  }
}
