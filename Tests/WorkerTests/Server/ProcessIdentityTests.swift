internal import Testing

@testable internal import regproxy_fcgi

struct ProcessIdentityTests {
  @Test func `users and groups without a name are identified by number`() {
    #expect(ProcessIdentity.name(ofUser: 0) == "root" && ProcessIdentity.name(ofGroup: 0) == "root")
    #expect(ProcessIdentity.name(ofUser: 4_000_000_001) == "4000000001")
    #expect(ProcessIdentity.name(ofGroup: 4_000_000_001) == "4000000001")
  }
}
