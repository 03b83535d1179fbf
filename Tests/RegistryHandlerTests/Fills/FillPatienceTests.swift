internal import Testing

@testable internal import RegistryHandler

/// Row "brings less than 256 KiB in 2 s" of the table "Look-up" of `docs/rules/blobs.md`.
struct FillPatienceTests {
  private static let enough = FillPatience.leastBytes

  /// The waits at offsets, and the rest of two seconds at the last offset, in milliseconds.
  @Test(
    arguments: [
      ([], 0, 2000), ([(0, 500)], 0, 1500), ([(0, 500), (10, 1500)], 20, 0), ([(0, 5000)], 0, 0),
      // Enough has arrived: another two seconds.
      ([(0, 1900)], enough, 2000), ([(0, 1900), (enough - 1, 50)], enough, 2000), ([(0, 1900)], enough - 1, 100),
    ] as [([(Int64, Int)], Int64, Int)]
  )
  func `patience lasts for two seconds of waiting for each 256 KiB`(
    _ waits: [(Int64, Int)],
    _ offset: Int64,
    _ milliseconds: Int
  ) {
    var patience = FillPatience(at: 0)
    for (offset, wait) in waits {
      _ = patience.remaining(at: offset)
      patience.noteWait(.milliseconds(wait))
    }
    let remaining = patience.remaining(at: offset)
    #expect(remaining == .milliseconds(milliseconds))
  }
}
