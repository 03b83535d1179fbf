internal import Testing

@testable internal import RegistryHandler

struct TokenResponseTests {
  @Test(
    arguments: [
      (#"{"token":"t","expires_in":300}"#, "t", 300),
      (#"{"token":"t","expires_in":1}"#, "t", 1),
      (#"{"token":"t","expires_in":0}"#, "t", 0),
      (#"{"token":"t","expires_in":-5}"#, "t", 0),
      (#"{"token":"t"}"#, "t", 60),
      (#"{"token":"t","expires_in":null}"#, "t", 60),
      (#"{"token":"t","expires_in":299.9}"#, "t", 299),
      (#"{"token":"t","expires_in":"300"}"#, "t", 300),
      (#"{"token":"t","expires_in":"soon"}"#, "t", 60),
      (#"{"token":"t","expires_in":1e300}"#, "t", 86_400),
      (#"{"access_token":"a"}"#, "a", 60),
      (#"{"access_token":"a","token":"t"}"#, "t", 60),
      (#"{"access_token":"a","token":""}"#, "a", 60),
      (#"{"token":"t","issued_at":"2024-01-01T00:00:00Z","refresh_token":"r"}"#, "t", 60),
    ]
  )
  func `token and lifetime are decoded`(_ json: String, _ token: String, _ lifetime: Int64) throws {
    let response = try #require(TokenResponse(json: Array(json.utf8)))
    #expect(response.token == token)
    #expect(response.lifetime == lifetime)
  }

  @Test(
    arguments: [
      "", "{}", "[]", "null", "t", #""t""#, #"{"token":null}"#, #"{"token":""}"#, #"{"token":1}"#, #"{"token":"t""#,
      #"{"token":"t\r\nX-Injected: 1"}"#, #"{"token":"a b"}"#, #"{"token":"a\u0000"}"#, #"{"token":"\u00e4"}"#,
      "<html>sign in</html>",
    ]
  )
  func `a body without a token that is valid in a header is rejected`(_ json: String) {
    #expect(TokenResponse(json: Array(json.utf8)) == nil)
  }

  @Test func `a token of the usual size is far below the limit`() throws {
    let token = String(repeating: "x", count: 16_000)
    let json = Array(#"{"token":"\#(token)"}"#.utf8)
    #expect(json.count < TokenResponse.maximumSize)
    #expect(TokenResponse(json: json)?.token == token)
  }
}
