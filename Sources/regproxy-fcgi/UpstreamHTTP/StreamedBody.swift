internal import AsyncHTTPClient
internal import NIOCore
internal import RegistryHandler
internal import Synchronization

/// A response body as async-http-client delivers it.
final class StreamedBody: UpstreamBody {
  private let body: HTTPClientResponse.Body
  private let host: String
  /// Keeps the client alive while the body may be read.
  private let lease: HTTPClientPool.Lease
  private let isTaken = Atomic<Bool>(false)

  init(_ body: HTTPClientResponse.Body, host: String, lease: HTTPClientPool.Lease) {
    self.body = body
    self.host = host
    self.lease = lease
  }

  /// Passes on the chunks, once. A second reading is an error of its request alone: async-http-client would end the
  /// process, and no bytes would look like an empty body.
  func forEachChunk(_ consume: (ByteBuffer) async throws -> Bool) async throws {
    guard !isTaken.exchange(true, ordering: .relaxed) else {
      throw UpstreamError(.invalidResponse, "the response of \(host) was read twice, which is a bug of this proxy")
    }
    var iterator = body.makeAsyncIterator()
    while true {
      let chunk: ByteBuffer?
      do {
        chunk = try await iterator.next()
      } catch {
        throw UpstreamError(error, host: host)
      }
      guard let chunk, try await consume(chunk) else { return }
    }
  }
}
