internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Withheld tails in the table "Downloads" of `docs/rules/blobs.md`.
struct FillProgressTests {
  private static let tail = FillProgress.withheldTail

  @Test(
    arguments: [(FillProgress.Phase.receiving, 100_000), (.awaitingUpstream, 0), (.failed(failure), 100_000 - tail)]
      as [(FillProgress.Phase, Int64)]
  )
  func `the tail is released once the digest is right, unless the fill fails`(
    _ phase: FillProgress.Phase,
    _ readable: Int64
  ) {
    var progress = FillProgress()
    progress.phase = phase
    progress.size = 100_000
    progress.written = 100_000
    progress.isVerified = true
    #expect(progress.readable == readable)
  }

  @Test(arguments: [nil, 10, 100_000] as [Int64?])
  func `a verified blob is streamed whatever its size, although the store has no room yet`(_ size: Int64?) {
    var progress = FillProgress()
    progress.phase = .receiving
    progress.size = size
    progress.written = size ?? 10
    progress.isVerified = true
    #expect(progress.canStream)
    #expect(progress.readable == size ?? 10)
  }

  private static let failure = FillFailure.upstream(UpstreamError(.unreachable, "no"))

  @Test(
    arguments: [
      (FillProgress.Phase.awaitingUpstream, nil, 0, 0, false),
      (.receiving, nil, 500_000, 0, false),
      (.receiving, tail, tail, 0, false),
      (.receiving, tail + 1, 0, 0, true),
      (.receiving, tail + 1, 1, 1, true),
      (.receiving, tail + 1, tail + 1, 1, true),
      (.receiving, 100_000, 50_000, 50_000, true),
      (.receiving, 100_000, 100_000, 100_000 - tail, true),
      (.receiving, 100_000, 200_000, 100_000 - tail, true),
      (.stored, 100_000, 100_000, 100_000, false),
      (.notStored, 100_000, 100_000, 100_000, false),
      (.failed(failure), 100_000, 100_000, 100_000 - tail, false),
      (.failed(failure), nil, 100_000, 0, false),
      (.redirected(ClientRedirect(status: 307, location: "https://a.test/", method: .get)), 100_000, 100_000, 0, false),
    ]
  )
  func `the tail is withheld until the digest is known`(
    _ phase: FillProgress.Phase,
    _ size: Int64?,
    _ written: Int64,
    _ readable: Int64,
    _ canStream: Bool
  ) {
    var progress = FillProgress()
    progress.phase = phase
    progress.size = size
    progress.written = written
    #expect(progress.readable == readable)
    #expect(progress.canStream == canStream)
    #expect(progress.isFinished == ![.awaitingUpstream, .receiving].contains(phase))
  }
}
