internal import Foundation
internal import HTTPTypes
internal import Logging
internal import RegistryHandler
internal import RegistryTestSupport
internal import Testing

@testable internal import regproxy_fcgi

struct AccessLogTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func makeLog(_ format: LogFormat, _ level: Logger.Level) throws -> AccessLog {
    AccessLog(try LogOutput(path: directory.path("worker.log")), format: format, level: level)
  }

  @Test(arguments: LogFormat.allCases)
  func `a request is one line with its content, its outcome and no query`(_ format: LogFormat) throws {
    let log = try makeLog(format, .info)
    let request = RegistryRequest(id: "r1", method: .get, target: "/v2/?secret", host: "h")
    var response = RegistryResponse(status: 200)
    response.summary.kind = .blob
    response.summary.repository = RepositoryName("o/a")
    let reason = "upstream \"broke\" off"
    log.write(request, response, bodyBytes: 5, .brokenOff(reason), duration: .milliseconds(1500))
    let lines = try directory.lines(of: "worker.log")
    let line = try #require(lines.first)
    #expect(lines.count == 1)
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

  @Test func `a level above info turns requests off`() throws {
    let log = try makeLog(.json, .notice)
    let request = RegistryRequest(id: "r1", method: .get, target: "/v2/", host: "h")
    log.write(request, RegistryResponse(status: 200), bodyBytes: 0, .complete, duration: .zero)
    #expect(try directory.lines(of: "worker.log").isEmpty)
  }
}
