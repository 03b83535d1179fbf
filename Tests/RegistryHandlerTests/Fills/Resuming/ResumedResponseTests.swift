internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table of the responses to the request for the rest, in "Resuming a download" of `docs/rules/blobs.md`.
struct ResumedResponseTests {
  private enum Outcome { case append, skip, again, giveUp, changed }

  private func outcome(_ status: Int, _ headers: HTTPFields, size: Int64? = 100) throws -> Outcome {
    let response = UpstreamResponse(status: status, headers: headers, body: FakeBody(chunks: []))
    let route = Route.blob(try Values.repository("a"), try Values.digest(of: "x"))
    return switch ResumedResponse(response, route, offset: 40, size: size) {
    case .append: .append
    case .skipBeginning: .skip
    case .tryAgain: .again
    case .giveUp: .giveUp
    case .changed: .changed
    }
  }

  @Test func `a range that fits is appended`() throws {
    #expect(try outcome(206, [.contentRange: "bytes 40-99/100"]) == .append)
    #expect(try outcome(206, [.contentRange: "bytes 40-99/*"]) == .append)
    #expect(try outcome(206, [.contentRange: "bytes 40-99/100"], size: nil) == .append)
    // Less than was requested is followed by another request.
    #expect(try outcome(206, [.contentRange: "bytes 40-49/100"]) == .append)
  }

  @Test(arguments: ["bytes 0-99/100", "bytes 39-99/100", "bytes 41-99/100", "bytes 40-100/101", "bytes */100", "x"])
  func `a range that does not fit is changed content`(_ range: String) throws {
    #expect(try outcome(206, [.contentRange: range]) == .changed)
  }

  @Test func `a range without its position is changed content`() throws { #expect(try outcome(206, [:]) == .changed) }

  @Test func `the beginning of the whole is skipped`() throws {
    #expect(try outcome(200, [.contentLength: "100"]) == .skip)
    #expect(try outcome(200, [:]) == .skip)
    #expect(try outcome(200, [.contentLength: "101"]) == .changed)
  }

  @Test(arguments: [408, 425, 429, 500, 502, 503, 504]) func `a transient status is retried`(_ status: Int) throws {
    #expect(try outcome(status, [:]) == .again)
  }

  @Test(arguments: [400, 401, 403, 404, 416]) func `a 4xx ends the retries`(_ status: Int) throws {
    #expect(try outcome(status, [:]) == .giveUp)
  }
}
