internal import Testing

@testable internal import RegistryHandler

/// Table of the parts of a blob that is downloaded, in "Ranges" of `docs/rules/blobs.md`.
struct RangeSourceTests {
  private static let reach: Int64 = 8 << 20

  @Test(
    arguments: [
      (0, 0, RangeSource.fill), (reach, 0, .fill), (reach + 1, 0, .upstream), (reach + 1, 1, .fill),
      (1 << 30, 0, .upstream), (1 << 30, 1 << 30, .fill),
    ] as [(Int64, Int64, RangeSource)]
  )
  func `a far part is requested from upstream alone`(_ start: Int64, _ written: Int64, _ source: RangeSource) {
    #expect(RangeSource(start..<start + 10, written: written) == source)
  }
}
