internal import Foundation
internal import Logging
internal import RegistryTestSupport
internal import Testing

@testable internal import regproxy_fcgi

struct LineLogHandlerTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func makeLogger(_ format: LogFormat) throws -> Logger {
    let output = try LogOutput(path: directory.path("worker.log"))
    return Logger(label: "test") { _ in LineLogHandler(output, format: format, level: .info) }
  }

  @Test func `a JSON entry is one line, whatever a client sent`() throws {
    let logger = try makeLogger(.json)
    logger.info("request", metadata: ["b": "a\"b\\c\nd\u{1B}[31m", "a": "ü"])
    logger.debug("not written")
    let lines = try directory.lines(of: "worker.log")
    #expect(lines.count == 1)
    let object = try JSONDecoder().decode([String: String].self, from: Data(lines[0].utf8))
    #expect(object["message"] == "request")
    #expect(object["level"] == "info")
    #expect(object["b"] == "a\"b\\c\nd\u{1B}[31m")
    #expect(object["a"] == "ü")
    #expect(object["timestamp"]?.count == "2026-01-01T00:00:00.000Z".count)
  }

  @Test func `a text entry quotes its values`() throws {
    try makeLogger(.text).warning("slow", metadata: ["x": "a b"])
    #expect(try directory.lines(of: "worker.log")[0].hasSuffix(" warning slow x=\"a b\""))
  }
}
