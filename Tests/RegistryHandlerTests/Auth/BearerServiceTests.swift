internal import Testing

@testable internal import RegistryHandler

struct BearerServiceTests {
  @Test(
    arguments: [
      (#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io""#, "https://auth.docker.io/token"),
      (#"Basic realm="https://b.test/", Bearer realm="https://a.test/token""#, "https://a.test/token"),
      (#"Bearer realm="nonsense", Bearer realm="https://a.test/token""#, "https://a.test/token"),
      (#"Bearer service="a", Bearer realm="https://a.test/token""#, "https://a.test/token"),
      (#"bearer realm="http://a.test""#, "http://a.test/"),
    ]
  )
  func `the first Bearer challenge with a usable realm is used`(_ line: String, _ realm: String) {
    #expect(BearerService(Challenge.parse([line]))?.realm.description == realm)
  }

  @Test(
    arguments: [
      "", #"Basic realm="https://a.test/""#, "Bearer", #"Bearer realm="""#, #"Bearer realm="/token""#,
      #"Bearer realm="ftp://a.test/""#, #"Bearer realm="https://user@a.test/""#, #"Bearer realm="https://a.test/#f""#,
    ]
  )
  func `a challenge without a usable Bearer realm is ignored`(_ line: String) {
    #expect(BearerService(Challenge.parse([line])) == nil)
  }

  @Test(
    arguments: [
      (
        "https://a.test/token", "registry.test",
        "https://a.test/token?service=registry.test&scope=repository%3Alibrary%2Falpine%3Apull"
      ),
      ("https://a.test/token", nil, "https://a.test/token?scope=repository%3Alibrary%2Falpine%3Apull"),
      ("https://a.test/t?x=%2F", "s", "https://a.test/t?x=%2F&service=s&scope=repository%3Alibrary%2Falpine%3Apull"),
      (
        "https://a.test/t", "a&scope=b c",
        "https://a.test/t?service=a%26scope%3Db%20c&scope=repository%3Alibrary%2Falpine%3Apull"
      ),
      ("https://a.test", "s", "https://a.test/?service=s&scope=repository%3Alibrary%2Falpine%3Apull"),
    ]
  )
  func `the URL of a token has service and scope`(_ realm: String, _ service: String?, _ url: String) throws {
    let bearer = BearerService(realm: try Values.url(realm), service: service)
    #expect(bearer.tokenURL(for: .pull(try Values.repository("library/alpine"))).description == url)
  }
}
