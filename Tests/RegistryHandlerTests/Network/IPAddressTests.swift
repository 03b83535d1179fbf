internal import Testing

@testable internal import RegistryHandler

struct IPAddressTests {
  @Test(
    arguments: [
      ("192.0.2.1", "192.0.2.1"), ("::ffff:10.0.0.1", "10.0.0.1"), ("[::FFFF:0a00:1]", "10.0.0.1"),
      ("2001:DB8:0::0:1", "2001:db8::1"), ("[::1]", "::1"), ("0.0.0.0", "0.0.0.0"),
    ]
  )
  func `all spellings of an address have one description`(_ text: String, _ description: String) {
    #expect(IPAddress(text)?.description == description)
  }

  @Test(
    arguments: [
      "", "1.2.3", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "1.2.3.4.", "1.2.3.256", "[1.2.3.4]", "::1%lo", "[::1",
      "localhost", "1.2.3.4/8",
    ]
  )
  func `other spellings of an address are rejected`(_ text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test(
    arguments: [
      "0.0.0.0", "10.0.0.1", "100.64.1.1", "127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.1",
      "172.31.255.255", "192.168.1.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1",
      "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1", "2001::1",
      "fc00::1",
      "fd12::1", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1",
    ]
  )
  func `special addresses are not public`(_ text: String) throws {
    #expect(try !#require(IPAddress(text)).isPublic)
  }

  @Test(
    arguments: [
      "1.1.1.1", "9.255.255.255", "11.0.0.0", "52.216.0.1", "100.63.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1",
      "2606:4700::1", "2a00:1450::1", "64:ff9b::101:101", "2002:101:101::1", "::ffff:1.1.1.1",
    ]
  )
  func `ordinary addresses are public`(_ text: String) throws {
    #expect(try #require(IPAddress(text)).isPublic)
  }

  @Test(
    arguments: [
      ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.0.0.0/8", "::ffff:10.1.1.1", true),
      ("10.1.2.3", "10.1.2.3", true), ("10.1.2.3", "10.1.2.4", false), ("0.0.0.0/0", "8.8.8.8", true),
      ("0.0.0.0/0", "::1", false), ("::/0", "::1", true), ("::/0", "8.8.8.8", false), ("fd00::/8", "fd12::1", true),
      ("fd00::/8", "fc00::1", false), ("192.168.1.128/25", "192.168.1.127", false), ("::1/128", "::1", true),
    ]
  )
  func `a network contains its addresses`(_ network: String, _ address: String, _ contains: Bool) throws {
    #expect(try #require(IPNetwork(network)).contains(try #require(IPAddress(address))) == contains)
  }

  @Test(
    arguments: [
      "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/-1", "10.0.0.0/+8", "::/129", "10.0.0.0/8/8",
    ]
  )
  func `a malformed network is rejected`(_ text: String) {
    #expect(IPNetwork(text) == nil)
  }

  @Test(
    arguments: [("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3::4", "2001:db8:1:2::"), ("::ffff:192.0.2.7", "192.0.2.7")]
  )
  func `a host has an IPv4 address, or an IPv6 network`(_ address: String, _ network: String) throws {
    #expect(try #require(IPAddress(address)).ownNetwork == IPAddress(network))
  }
}
