internal import Testing

@testable internal import RegistryHandler

/// Table "Ranges" of `docs/rules/blobs.md`.
struct ByteRangeTests {
  @Test(
    arguments: [
      (nil, 10, ByteRange.whole),
      ("bytes=0-3", 10, .part(0..<4)),
      ("bytes=0-0", 10, .part(0..<1)),
      ("bytes=9-9", 10, .part(9..<10)),
      ("bytes=4-", 10, .part(4..<10)),
      ("bytes=0-", 10, .part(0..<10)),
      ("bytes=4-99", 10, .part(4..<10)),
      ("bytes=0-9223372036854775807", 10, .part(0..<10)),
      ("bytes=-3", 10, .part(7..<10)),
      ("bytes=-99", 10, .part(0..<10)),
      ("bytes=-9223372036854775807", 10, .part(0..<10)),
      ("BYTES=0-3", 10, .part(0..<4)),
      ("bytes= 0-3 ", 10, .part(0..<4)),
      ("bytes=10-", 10, .unsatisfiable),
      ("bytes=10-12", 10, .unsatisfiable),
      ("bytes=9223372036854775807-", 10, .unsatisfiable),
      ("bytes=-0", 10, .unsatisfiable),
      ("bytes=0-", 0, .unsatisfiable),
      ("bytes=0-0", 0, .unsatisfiable),
      ("bytes=-1", 0, .unsatisfiable),
      ("", 10, .whole),
      ("bytes", 10, .whole),
      ("bytes=", 10, .whole),
      ("bytes=-", 10, .whole),
      ("bytes=3-2", 10, .whole),
      ("bytes=0-1,4-5", 10, .whole),
      ("bytes=0--1", 10, .whole),
      ("bytes=+0-1", 10, .whole),
      ("bytes=a-b", 10, .whole),
      ("bytes=0 - 1", 10, .whole),
      ("items=0-3", 10, .whole),
      ("bytes=0-99999999999999999999", 10, .whole),
    ]
  )
  func `a range is parsed according to RFC 9110`(_ header: String?, _ size: Int64, _ range: ByteRange) {
    #expect(ByteRange(header, size: size) == range)
  }
}
