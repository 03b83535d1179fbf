internal import Foundation
internal import RegistryTestSupport
internal import Testing

@testable internal import regproxy_fcgi

struct LogOutputTests {
  @Test func `lines after a rotation go to the new file`() throws {
    let directory = try TemporaryDirectory()
    let output = try LogOutput(path: directory.path("worker.log"))
    output.write(Array("one\n".utf8))
    try FileManager.default.moveItem(atPath: directory.path("worker.log"), toPath: directory.path("worker.log.1"))
    try output.reopen()
    output.write(Array("two\n".utf8))
    #expect(try directory.lines(of: "worker.log") == ["two"])
    #expect(try directory.lines(of: "worker.log.1") == ["one"])
  }

  @Test func `the error for a file that cannot be opened names the file`() {
    let error = #expect(throws: LogError.self) { try LogOutput(path: "/nonexistent/worker.log") }
    #expect(error?.description.contains("/nonexistent/worker.log") == true)
  }
}
