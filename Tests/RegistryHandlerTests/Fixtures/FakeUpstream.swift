internal import HTTPTypes
internal import NIOCore
internal import Synchronization
internal import Testing

@testable internal import RegistryHandler

/// Registries that answer what a test tells them, and remember what they were asked.
///
/// What has no answer of its own is a 404; a `HEAD` without one is answered like the `GET`, without the body.
final class FakeUpstream: UpstreamClient {
  typealias Reaction = @Sendable (UpstreamRequest) throws(UpstreamError) -> FakeAnswer

  private struct State {
    var reactions: [String: Reaction] = [:]
    var requests: [UpstreamRequest] = []
  }

  private let state = Mutex(State())

  func execute(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse {
    let reaction = state.withLock { state -> Reaction? in
      state.requests.append(request)
      if let reaction = state.reactions["\(request.method) \(request.url)"] { return reaction }
      return request.method == .head ? state.reactions["GET \(request.url)"] : nil
    }
    let answer = try reaction?(request) ?? FakeAnswer(404)
    if let headGate = answer.headGate, await headGate.first(where: { $0 }) == nil { throw .cancelled }
    var headers = answer.headers
    if headers[.contentLength] == nil, !answer.isChunked {
      headers[.contentLength] = String(answer.chunks.reduce(0) { $0 + $1.count })
    }
    let body = request.method == .head ? FakeBody(chunks: []) : answer.body
    return UpstreamResponse(status: answer.status, headers: headers, body: body)
  }

  /// - Parameter request: method and URL, such as `GET https://r.test/v2/`.
  func on(_ request: String, _ reaction: @escaping Reaction) {
    state.withLock { $0.reactions[request] = reaction }
  }

  func on(_ request: String, _ answer: FakeAnswer) {
    on(request) { _ throws(UpstreamError) in answer }
  }

  func fail(_ request: String, _ error: UpstreamError = UpstreamError(.unreachable, "no connection")) {
    on(request) { _ throws(UpstreamError) in throw error }
  }

  var requests: [UpstreamRequest] { state.withLock(\.requests) }

  /// What was asked, as `GET https://r.test/v2/`.
  var log: [String] { requests.map { "\($0.method) \($0.url)" } }

  func count(of request: String) -> Int { log.count { $0 == request } }
}

/// What a fake upstream says.
struct FakeAnswer: Sendable {
  var status: Int
  var headers: HTTPFields
  var chunks: [[UInt8]]
  /// Whether the size is not announced.
  var isChunked = false
  /// What ends the body after its chunks, instead of its end.
  var failure: UpstreamError?
  /// How many chunks may go out; all without it.
  var gate: Observed<Int>?
  /// What the head waits for, if anything.
  var headGate: Observed<Bool>?

  init(_ status: Int, _ headers: HTTPFields = [:], _ chunks: [[UInt8]] = []) {
    self.status = status
    self.headers = headers
    self.chunks = chunks
  }

  static func text(_ text: String, _ headers: HTTPFields = [:]) -> FakeAnswer {
    FakeAnswer(200, headers, [Array(text.utf8)])
  }

  static func challenge(_ value: String) -> FakeAnswer { FakeAnswer(401, [.wwwAuthenticate: value]) }

  var body: FakeBody { FakeBody(chunks: chunks, failure: failure, gate: gate) }
}

extension FakeAnswer: CustomTestStringConvertible {
  /// Without the bytes: as text, megabytes of them keep all other tests waiting for seconds.
  var testDescription: String { "\(status) \(headers) with \(chunks.map(\.count)) bytes" }
}

/// Ends the process when it is read twice, as the body of a real connection must not be.
struct FakeBody: UpstreamBody {
  /// Shared by copies: they are of one body.
  private final class Reading: Sendable {
    let hasBegun = Atomic<Bool>(false)
  }

  let chunks: [[UInt8]]
  var failure: UpstreamError?
  var gate: Observed<Int>?
  private let reading = Reading()

  func forEachChunk(_ consume: (ByteBuffer) async throws -> Bool) async throws {
    guard !reading.hasBegun.exchange(true, ordering: .relaxed) else { fatalError("a body is read twice") }
    for (index, chunk) in chunks.enumerated() {
      if let gate, await gate.first(where: { $0 > index }) == nil { throw UpstreamError.cancelled }
      guard try await consume(ByteBuffer(bytes: chunk)) else { return }
    }
    if let failure { throw failure }
  }
}
