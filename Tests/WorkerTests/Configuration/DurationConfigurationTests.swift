internal import Testing

@testable internal import regproxy_fcgi

struct DurationConfigurationTests {
  @Test(
    arguments: [
      ("90s", 90), ("5m", 300), ("1h30m", 5400), ("7d", 604_800), ("4w", 2_419_200), ("1y", 31_536_000), ("0s", 0),
      ("5", nil), ("", nil), ("m", nil), ("-5s", nil), ("5 s", nil), ("9999999999s", nil),
    ] as [(String, Int64?)]
  )
  func `a duration is a series of numbers with units`(_ text: String, _ seconds: Int64?) {
    #expect(Duration(configuration: text) == seconds.map { .seconds($0) })
  }
}
