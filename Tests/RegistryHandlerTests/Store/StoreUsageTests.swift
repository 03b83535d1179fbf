internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

struct StoreUsageTests {
  private let directory: TemporaryDirectory
  private let usage: StoreUsage

  init() throws {
    directory = try TemporaryDirectory()
    usage = StoreUsage(path: "\(directory.path)/usage")
  }

  @Test(
    arguments: [
      ("                4096\n", 4096), (" 1152921504606846976\n", 1 << 60), (" 1152921504606846977\n", nil),
      (" 9223372036854775807\n", nil), ("-9223372036854775808\n", nil), ("                  -1\n", nil),
      ("99999999999999999999\n", nil), ("                    \n", nil), ("rubbish", nil), ("", nil),
      ("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\01", nil),
    ] as [(String, Int64?)]
  )
  func `an invalid total reads as nil and stays so until the next scan`(_ text: String, _ total: Int64?) throws {
    try directory.write(Array(text.utf8), to: "\(directory.path)/usage")
    #expect(usage.total == total)
    guard total == nil else { return }
    usage.add(4096)
    usage.add(-8192)
    #expect(usage.reserve(4096, upTo: 4096))
    #expect(usage.total == nil)
    try usage.set(8192, before: 4096)
    #expect(usage.total == 8192)
  }
}
