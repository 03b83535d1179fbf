internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

/// Table "Processes" of `docs/rules/blobs.md`: the requests for blobs without a file.
struct PendingRequestsTests {
  private let store: Store
  private let directory: TemporaryDirectory
  private let digest: Digest
  private let upstream: UpstreamName

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.makeStore()
    digest = try Values.digest(of: "a")
    upstream = try Values.upstream("r.test")
  }

  /// The requests of one more process.
  private func makeProcess() -> PendingRequests { PendingRequests(store.layout) }

  private func describe(_ turn: PendingRequests.Turn) -> String {
    switch turn {
    case .mine: "mine"
    case .taken(let isSame): isSame ? "taken, same upstream" : "taken, another upstream"
    case .unavailable: "unavailable"
    }
  }

  @Test func `a blob is requested by one process at a time`() throws {
    let (first, second) = (makeProcess(), makeProcess())
    guard case .mine(let request) = first.begin(digest, to: upstream) else {
      Issue.record("the first request is not granted")
      return
    }
    #expect(describe(second.begin(digest, to: upstream)) == "taken, same upstream")
    let other = try Values.upstream("q.test")
    #expect(describe(second.begin(digest, to: other)) == "taken, another upstream")
    #expect(describe(second.begin(try Values.digest(of: "b"), to: upstream)) == "mine")
    request.end()
    #expect(describe(second.begin(digest, to: upstream)) == "mine")
  }

  @Test func `a request ends with its last reference`() throws {
    var turn: PendingRequests.Turn? = makeProcess().begin(digest, to: upstream)
    #expect(turn.map(describe) == "mine")
    let second = makeProcess()
    #expect(describe(second.begin(digest, to: upstream)) != "mine")
    turn = nil
    #expect(describe(second.begin(digest, to: upstream)) == "mine")
  }

  @Test func `a store without the shared file grants no turn`() throws {
    let process = PendingRequests(StoreLayout(root: directory.path("absent")))
    #expect(describe(process.begin(digest, to: upstream)) == "unavailable")
  }

  @Test func `a shared file that was removed is replaced`() throws {
    let first = makeProcess()
    #expect(describe(first.begin(digest, to: upstream)) == "mine")
    store.fileSystem.remove(store.layout.requestsLock)
    guard case .mine(let request) = first.begin(digest, to: upstream) else {
      Issue.record("the request after the removal is not granted")
      return
    }
    #expect(describe(makeProcess().begin(digest, to: upstream)) == "taken, same upstream")
    request.end()
  }
}
