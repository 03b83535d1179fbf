internal import Foundation
internal import HTTPTypes
internal import Logging
internal import RegistryHandler
internal import Testing

@testable internal import regproxy_fcgi

@Suite("The log")
final class LineLogHandlerTests {
  private let path = FileManager.default.temporaryDirectory.appendingPathComponent("rp-\(UUID().uuidString).log").path

  deinit {
    for file in [path, path + ".1"] { try? FileManager.default.removeItem(atPath: file) }
  }

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

  @Test("A request is one line with what was asked and how it ended", arguments: LogFormat.allCases)
  func request(format: LogFormat) throws {
    let log = AccessLog(try LogOutput(path: path), format: format, level: .info)
    let request = RegistryRequest(id: "r1", method: .get, target: "/v2/?secret", host: "h")
    var response = RegistryResponse(status: 200)
    response.record.kind = .blob
    response.record.repository = "o/a"
    let reason = "upstream \"broke\" off"
    log.write(request, response, bodyBytes: 5, .brokenOff(reason), duration: .milliseconds(1500))
    let line = try #require(lines().first)
    #expect(try lines().count == 1)
    #expect(!line.contains("secret"))
    switch format {
    case .json:
      var fields = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
      fields["timestamp"] = nil
      let expected = [
        "level": "info", "message": "request", "http.request_id": "r1", "http.method": "GET", "http.kind": "blob",
        "http.status": "200", "http.bytes": "5", "http.duration_ms": "1500", "http.outcome": "broken-off",
        "registry.repository": "o/a", "error": reason,
      ]
      #expect(fields == expected)
    case .text: #expect(line.hasSuffix(#" registry.repository="o/a" error="upstream \"broke\" off""#))
    }
  }

  @Test("Requests are not written above info")
  func quiet() throws {
    let log = AccessLog(try LogOutput(path: path), format: .json, level: .notice)
    let request = RegistryRequest(id: "r1", method: .get, target: "/v2/", host: "h")
    log.write(request, RegistryResponse(status: 200), bodyBytes: 0, .complete, duration: .zero)
    #expect(try lines().isEmpty)
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
