internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Joining a fill" of `docs/rules/blobs.md`.
struct JoinDecisionTests {
  /// The fill as it relates to the request for `o/a` of `r.test` with redirects passed through.
  private enum Origin: String, Sendable {
    case same
    case otherMode
    case otherRepository
    case otherUpstream

    func value() throws -> FillOrigin {
      switch self {
      case .same: FillOrigin(repository: try Values.repository("r.test", "o/a"))
      case .otherMode: FillOrigin(repository: try Values.repository("r.test", "o/a"), mode: .follow)
      case .otherRepository: FillOrigin(repository: try Values.repository("r.test", "o/b"))
      case .otherUpstream: FillOrigin(repository: try Values.repository("q.test", "o/a"))
      }
    }
  }

  private static let redirect = FillProgress.Phase.redirected(
    ClientRedirect(status: 307, location: "https://s3.test/k", method: .get)
  )
  private static let failure = FillProgress.Phase.failed(.contentChanged)

  private func decision(
    _ origin: Origin,
    _ phase: FillProgress.Phase,
    size: Int64? = 1 << 20,
    proved: String? = nil,
    awaitsAnother: Bool = false,
    after wait: JoinDecision.Wait = .short
  ) throws -> JoinDecision {
    var progress = FillProgress()
    progress.phase = phase
    progress.size = size
    progress.awaitsAnother = awaitsAnother
    progress.provedRepository = try proved.map { try Values.repository("r.test", $0) }
    return JoinDecision(try origin.value(), for: try Origin.same.value(), progress, after: wait)
  }

  @Test(arguments: [Origin.same, .otherMode, .otherRepository, .otherUpstream])
  private func `a request waits for a fill without response, but only briefly for another upstream's`(
    _ origin: Origin
  ) throws {
    let isOther = origin == .otherUpstream
    #expect(try decision(origin, .awaitingUpstream) == (isOther ? .bypass : .timedOut))
    #expect(try decision(origin, .awaitingUpstream, after: .shortWithoutSize) == .keepWaiting)
    #expect(try decision(origin, .awaitingUpstream, after: .full) == .timedOut)
  }

  @Test func `a request waits for a blob withheld as a whole like for one without response`() throws {
    #expect(try decision(.same, .receiving, size: FillProgress.withheldTail) == .timedOut)
    #expect(try decision(.same, .receiving, size: nil) == .timedOut)
    #expect(try decision(.otherUpstream, .receiving, size: nil) == .bypass)
  }

  @Test func `a request waits only briefly for another process that awaits another upstream`() throws {
    #expect(try decision(.same, .awaitingUpstream, awaitsAnother: true) == .bypass)
    #expect(try decision(.same, .awaitingUpstream, awaitsAnother: true, after: .full) == .timedOut)
  }

  @Test(arguments: [FillProgress.Phase.receiving, .stored, .notStored])
  private func `a blob is served to its repository, and to another one after a proof`(
    _ phase: FillProgress.Phase
  ) throws {
    #expect(try decision(.same, phase, proved: "o/a") == .respond)
    #expect(try decision(.otherMode, phase, proved: "o/a") == .respond)
    #expect(try decision(.otherRepository, phase, proved: "o/b") == .proveFirst)
    #expect(try decision(.same, phase, proved: "o/b") == .proveFirst)
    #expect(try decision(.same, phase) == .proveFirst)
  }

  @Test(arguments: [redirect, failure])
  private func `a redirect or failure is a response to the same request alone`(_ phase: FillProgress.Phase) throws {
    #expect(try decision(.same, phase) == .respond)
    for origin in [Origin.otherMode, .otherRepository, .otherUpstream] {
      #expect(try decision(origin, phase) == .startOwn)
    }
  }
}
