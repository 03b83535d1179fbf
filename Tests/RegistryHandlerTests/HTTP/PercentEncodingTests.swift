internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

struct PercentEncodingTests {
  @Test(
    arguments: [
      ("", ""),
      ("azAZ09-._~", "azAZ09-._~"),
      ("repository:library/alpine:pull", "repository%3Alibrary%2Falpine%3Apull"),
      ("a b+c", "a%20b%2Bc"),
      ("50%&x=1#", "50%25%26x%3D1%23"),
      ("\0\t\r\n", "%00%09%0D%0A"),
      ("\u{E4}\u{1F433}", "%C3%A4%F0%9F%90%B3"),
    ]
  )
  func `all bytes but the unreserved ones are encoded`(_ text: String, _ encoded: String) {
    #expect(text.percentEncoded == encoded)
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func `a query decodes encoded text`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let text = random.text(of: "a&=%+/?# .\u{E4}", upTo: 30).filter { $0 != "\0" && $0 != "\n" }
    let encoded = text.percentEncoded
    #expect(try Query("x=\(encoded)")["x"] == text)
  }
}
