internal import Testing

@testable internal import RegistryHandler

struct FNVTests {
  /// Test vectors of the authors. <http://www.isthe.com/chongo/src/fnv/test_fnv.c>
  @Test(arguments: [
    ("", 0xCBF2_9CE4_8422_2325), ("a", 0xAF63_DC4C_8601_EC8C), ("foobar", 0x8594_4171_F739_67E8) as (String, UInt64),
  ])
  func `the hash is that of FNV-1a with 64 bits`(_ text: String, _ hash: UInt64) {
    #expect(text.fnv1a == hash)
  }
}
