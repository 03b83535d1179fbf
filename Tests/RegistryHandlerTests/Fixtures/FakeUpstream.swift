internal import HTTPTypes
internal import NIOCore
internal import Synchronization
internal import Testing

@testable internal import RegistryHandler

/// Registries with scripted responses that record their requests.
///
/// A request without a response gets 404; a `HEAD` without one gets the response to the `GET`, without the body.
final class FakeUpstream: UpstreamClient {
  typealias Reaction = @Sendable (UpstreamRequest) throws(UpstreamError) -> FakeResponse

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
    let response = try reaction?(request) ?? FakeResponse(404)
    if let headGate = response.headGate, await headGate.first(where: { $0 }) == nil { throw .cancelled }
    var headers = response.headers
    if headers[.contentLength] == nil, !response.isChunked {
      headers[.contentLength] = String(response.chunks.reduce(0) { $0 + $1.count })
    }
    let body = request.method == .head ? FakeBody(chunks: []) : response.body
    return UpstreamResponse(status: response.status, headers: headers, body: body)
  }

  /// - Parameter request: method and URL, such as `GET https://r.test/v2/`.
  func on(_ request: String, _ reaction: @escaping Reaction) {
    state.withLock { $0.reactions[request] = reaction }
  }

  func on(_ request: String, _ response: FakeResponse) {
    on(request) { _ throws(UpstreamError) in response }
  }

  func fail(_ request: String, _ error: UpstreamError = UpstreamError(.unreachable, "no connection")) {
    on(request) { _ throws(UpstreamError) in throw error }
  }

  var requests: [UpstreamRequest] { state.withLock(\.requests) }

  /// The requests, as `GET https://r.test/v2/`.
  var log: [String] { requests.map { "\($0.method) \($0.url)" } }

  func count(of request: String) -> Int { log.count { $0 == request } }
}

/// A response of a fake upstream.
struct FakeResponse: Sendable {
  var status: Int
  var headers: HTTPFields
  var chunks: [[UInt8]]
  /// True if the size is not announced.
  var isChunked = false
  /// The failure after the last chunk, instead of the end.
  var failure: UpstreamError?
  /// The number of chunks that may go out; all without it.
  var gate: Observed<Int>?
  /// The gate that the head waits for, if any.
  var headGate: Observed<Bool>?

  init(_ status: Int, _ headers: HTTPFields = [:], _ chunks: [[UInt8]] = []) {
    self.status = status
    self.headers = headers
    self.chunks = chunks
  }

  static func text(_ text: String, _ headers: HTTPFields = [:]) -> FakeResponse {
    FakeResponse(200, headers, [Array(text.utf8)])
  }

  static func challenge(_ value: String) -> FakeResponse { FakeResponse(401, [.wwwAuthenticate: value]) }

  var body: FakeBody { FakeBody(chunks: chunks, failure: failure, gate: gate) }
}

extension FakeResponse: CustomTestStringConvertible {
  /// The response without its bytes: as text, megabytes of them delay all other tests for seconds.
  var testDescription: String { "\(status) \(headers) with \(chunks.map(\.count)) bytes" }
}

/// A body that may be read once, like that of a real connection: a second reading ends the process.
struct FakeBody: UpstreamBody {
  /// The state that copies share, since they are of one body.
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
