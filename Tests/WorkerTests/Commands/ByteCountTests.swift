internal import Testing

@testable internal import regproxy_fcgi

struct ByteCountTests {
  @Test(
    arguments: [
      (0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (3_620_000, "3.62 MB"), (36_200_000, "36.2 MB"),
      (362_000_000, "362 MB"), (999_400_000, "999 MB"), (999_600_000, "1.0 GB"), (5_000_000_000_000, "5.0 TB"),
    ] as [(Int64, String)]
  )
  func `a size has a decimal unit and about three digits`(_ bytes: Int64, _ text: String) {
    #expect(ByteCount.text(bytes) == text)
  }
}
