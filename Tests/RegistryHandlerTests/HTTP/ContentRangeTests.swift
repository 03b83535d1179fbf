internal import Testing

@testable internal import RegistryHandler

struct ContentRangeTests {
  @Test(
    arguments: [
      ("bytes 0-0/1", 0..<1, 1), ("bytes 10-19/100", 10..<20, 100), ("Bytes 10-19/*", 10..<20, nil),
    ] as [(String, Range<Int64>, Int64?)]
  )
  func `a content range has its part and its size`(_ header: String, _ part: Range<Int64>, _ size: Int64?) throws {
    let range = try #require(ContentRange(header))
    #expect(range.part == part)
    #expect(range.size == size)
  }

  @Test(
    arguments: [
      "", "bytes", "bytes */100", "bytes 5-4/10", "bytes 0-10/10", "bytes 0-9", "items 0-9/10", "bytes -1-9/10",
      "bytes 0-9/+10", "bytes 0-9223372036854775807/*", "bytes 0-9/10/11", "bytes 0-9/99999999999999999999",
    ]
  )
  func `a malformed content range is rejected`(_ header: String) { #expect(ContentRange(header) == nil) }
}
