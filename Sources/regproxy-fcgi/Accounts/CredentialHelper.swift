internal import FoundationEssentials
internal import RegistryHandler
internal import Synchronization

/// A program that knows the operator's account, such as `docker-credential-ecr-login`.
/// <https://github.com/docker/docker-credential-helpers#development>
final class CredentialHelper: Sendable {
  /// The longest run of the program.
  static let timeout: Duration = .seconds(10)

  /// The time for which its answer is used: tokens of cloud providers last an hour at least.
  private static let lifetime: Duration = .seconds(15 * 60)

  /// The output of the program.
  private struct Answer: Decodable {
    var Username: String
    var Secret: String
  }

  private struct State {
    var credentials: Credentials?
    var expiry = ContinuousClock.now
  }

  private let program: String
  private let server: String
  /// Threads of their own: a helper that hangs keeps no blob waiting.
  private static let executor = BlockingExecutor(threadCount: 4)
  private let flights = SingleFlight<String, Result<Credentials, CredentialFailure>>(executor: executor)
  private let state = Mutex(State())

  /// - Parameters:
  ///   - name: of the program, after `docker-credential-`.
  ///   - server: the registry, as the program knows it.
  init(name: String, server: String) {
    program = "docker-credential-\(name)"
    self.server = server
  }

  /// The account whose credentials the program tells, one run at a time.
  var account: ServiceAccount {
    ServiceAccount(name: "of \(program)") { [self] in
      state.withLock { $0.credentials = nil }
    } source: { [self] () throws(CredentialFailure) in
      try await credentials()
    }
  }

  private func credentials() async throws(CredentialFailure) -> Credentials {
    let known = state.withLock { $0.credentials != nil && .now < $0.expiry ? $0.credentials : nil }
    if let known { return known }
    let result: Result<Credentials, CredentialFailure>
    do {
      result = try await flights.value(for: server) { [self] in await run() }
    } catch {
      throw CredentialFailure(reason: "the client left")
    }
    return try result.get()
  }

  private func run() async -> Result<Credentials, CredentialFailure> {
    let output: Result<[UInt8], HelperProgram.Failure> = await Self.executor.run { [program, server] in
      HelperProgram.run(program, "get", input: server, within: Self.timeout)
    }
    switch output {
    case .failure(let failure): return .failure(CredentialFailure(reason: "\(program) \(failure.description)"))
    case .success(let bytes):
      guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(bytes)),
        let credentials = Credentials(username: answer.Username, password: answer.Secret)
      else { return .failure(CredentialFailure(reason: "\(program) printed no 'Username' and 'Secret'")) }
      state.withLock { state in
        state.credentials = credentials
        state.expiry = .now + Self.lifetime
      }
      return .success(credentials)
    }
  }
}
