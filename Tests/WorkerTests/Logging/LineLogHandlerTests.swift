internal import Foundation
internal import Logging
internal import Testing

@testable internal import regproxy_fcgi

@Suite("The log")
struct LineLogHandlerTests {
  private let path = FileManager.default.temporaryDirectory.appendingPathComponent("rp-\(UUID().uuidString).log").path

  private func lines() throws -> [String] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  private func makeLogger(_ format: LogFormat, _ output: LogOutput) -> Logger {
    Logger(label: "test") { _ in LineLogHandler(output, format: format, level: .info) }
  }

  @Test("A line of JSON stays one line, whatever a client sent")
  func json() throws {
    let logger = makeLogger(.json, try LogOutput(path: path))
    logger.info("request", metadata: ["b": "a\"b\\c\nd\u{1B}[31m", "a": "ü"])
    logger.debug("not written")
    let lines = try lines()
    #expect(lines.count == 1)
    let object = try JSONDecoder().decode([String: String].self, from: Data(lines[0].utf8))
    #expect(object["message"] == "request")
    #expect(object["level"] == "info")
    #expect(object["b"] == "a\"b\\c\nd\u{1B}[31m")
    #expect(object["a"] == "ü")
    #expect(object["timestamp"]?.count == "2026-01-01T00:00:00.000Z".count)
  }

  @Test("A line of text quotes its values")
  func text() throws {
    makeLogger(.text, try LogOutput(path: path)).warning("slow", metadata: ["x": "a b"])
    #expect(try lines()[0].hasSuffix(" warning slow x=\"a b\""))
  }

  @Test("After rotation lines go to the new file")
  func reopen() throws {
    let output = try LogOutput(path: path)
    let logger = makeLogger(.json, output)
    logger.info("one")
    try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
    try output.reopen()
    logger.info("two")
    #expect(try lines().count == 1)
    #expect(try lines()[0].contains("two"))
  }

  @Test("A file that cannot be made is told by its name")
  func unwritable() {
    let error = #expect(throws: LogError.self) { try LogOutput(path: "/nonexistent/worker.log") }
    #expect(error?.description.contains("/nonexistent/worker.log") == true)
  }
}
