internal import Testing

@testable internal import regproxy_fcgi

struct JSONLinesTests {
  @Test func `an object is one line with sorted keys and escaped values`() throws {
    let line = try JSONLines.line(["check": "store /s", "a": "'x'\n\"y\" \\"])
    #expect(line == #"{"a":"'x'\n\"y\" \\","check":"store /s"}"#)
  }
}
