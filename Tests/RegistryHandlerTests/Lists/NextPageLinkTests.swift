internal import Testing

@testable internal import RegistryHandler

/// Table "Lists" of `docs/request-handling.md`.
struct NextPageLinkTests {
  private static func match(_ target: String) throws -> UpstreamTable.Match {
    var upstream = Upstream(name: try Values.upstream("r.test"), endpoints: [try Values.url("https://r.test")])
    upstream.isDefault = true
    upstream.hasLibrary = true
    return try UpstreamTable([upstream]).match(RequestTarget(target), host: "localhost")
  }

  @Test(
    arguments: [
      ("/v2/o/a/tags/list?n=2", "/v2/o/a/tags/list?n=2&last=b"),
      ("/v2/r.test/o/a/tags/list?n=2", "/v2/r.test/o/a/tags/list?n=2&last=b"),
      ("/r.test/v2/o/a/tags/list?n=2", "/r.test/v2/o/a/tags/list?n=2&last=b"),
      ("/v2/o/a/tags/list?ns=r.test&n=2", "/v2/o/a/tags/list?n=2&last=b&ns=r.test"),
    ]
  )
  func `the next page has the path of this request`(_ target: String, _ next: String) throws {
    let page = try #require(NextPageLink(link: #"</v2/o/a/tags/list?n=2&last=b>; rel="next""#))
    #expect(page.header(for: try Self.match(target)) == #"<\#(next)>; rel="next""#)
  }

  @Test(
    arguments: [
      (#"<https://r.test/v2/x/tags/list?n=2&last=b>; rel="next""#, "n=2&last=b"),
      (#"<?last=b>; rel="next""#, "last=b"),
      (#"</v2/x?token=a%2Fb%3D>;rel="next""#, "token=a%2Fb%3D"),
      (#"</v2/x?last=a%3E%0Ab>; rel="next""#, nil),
      (#"</v2/x?last=a+b>; title="t"; rel="next""#, "last=a%20b"),
      ("</v2/x?last=b>; rel=next", "last=b"),
      // The upstream of the next request is the client's choice.
      (#"</v2/x?ns=q.test&last=b&%6Es=q.test>; rel="next""#, "last=b"),
      (#"</v2/x>; rel="next""#, nil),
      (#"</v2/x?last=b>; rel="prev""#, nil),
      (#"</v2/x?last=b>"#, nil),
      (#"/v2/x?last=b; rel="next""#, nil),
      (#"</v2/x?last=b; rel="next""#, nil),
      (#"</v2/x?last=%zz>; rel="next""#, nil),
      ("", nil),
    ]
  )
  func `only the query of upstream's link counts`(_ link: String, _ query: String?) throws {
    let header = NextPageLink(link: link)?.header(for: try Self.match("/v2/o/a/tags/list"))
    #expect(header == query.map { #"</v2/o/a/tags/list?\#($0)>; rel="next""# })
  }

  @Test func `a link is at most 4 KiB long, whose characters may take three times as many`() throws {
    let padding = String(repeating: "(", count: NextPageLink.maximumLength - 30)
    let longest = NextPageLink(link: "</v2/x?last=\(padding)>; rel=next")
    let header = try #require(longest?.header(for: try Self.match("/v2/o/a/tags/list")))
    #expect(header.utf8.count > 2 * NextPageLink.maximumLength)
    #expect(NextPageLink(link: "</v2/x?last=\(padding)((((((((((>; rel=next") == nil)
  }
}
