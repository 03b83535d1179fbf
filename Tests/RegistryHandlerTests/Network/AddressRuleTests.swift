internal import Testing

@testable internal import RegistryHandler

/// Table "Where a followed redirect may lead" of `docs/rules/redirects.md`.
struct AddressRuleTests {
  @Test(
    arguments: [
      (AddressRule.any, "127.0.0.1", true), (.any, "1.1.1.1", true),
      (.publicOr(allowed: []), "1.1.1.1", true), (.publicOr(allowed: []), "127.0.0.1", false),
      (.publicOr(allowed: []), "169.254.169.254", false),
      (.publicOr(allowed: []), "::1", false), (.publicOr(allowed: []), "::ffff:10.0.0.1", false),
      (.publicOr(allowed: []), "fd00::1", false),
      (.publicOr(allowed: []), "0.0.0.0", false), (.publicOr(allowed: []), "2606:4700::1", true),
    ]
  )
  func `private addresses are permitted only by the rule for any address`(
    _ rule: AddressRule,
    _ address: String,
    _ isPermitted: Bool
  ) throws {
    #expect(rule.permits(try #require(IPAddress(address))) == isPermitted)
  }

  @Test func `networks that the operator allows are permitted`() throws {
    let rule = AddressRule.publicOr(allowed: ["10.0.0.0/8", "::1"].compactMap(IPNetwork.init))
    for (address, isPermitted) in [("10.1.1.1", true), ("::1", true), ("1.1.1.1", true), ("192.168.0.1", false)] {
      #expect(rule.permits(try #require(IPAddress(address))) == isPermitted)
    }
  }
}
