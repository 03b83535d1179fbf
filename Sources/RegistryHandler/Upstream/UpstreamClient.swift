package import HTTPTypes
package import NIOCore

/// Asks a registry over HTTP. It follows no redirect, decodes no content and keeps no cookie.
package protocol UpstreamClient: Sendable {
  /// Sends the request and returns once the head of the answer is there; the body comes as it arrives.
  ///
  /// Throws an error of kind `.unreachable`, `.timeout` or `.cancelled`, and of kind `.invalidResponse` when the host has no
  /// address that the request may go to.
  func execute(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse
}

/// How much of an answer's body is read at a time.
package enum ReceiveBuffer: Hashable, Sendable {
  /// As much as makes a download cheap.
  case large
  /// Little, for a client that may be slow while a thousand others are.
  case small
}

/// A request to an upstream.
package struct UpstreamRequest: Sendable {
  package var method: HTTPRequest.Method
  package var url: HTTPURL
  package var headers: HTTPFields
  /// A file of PEM certificates to trust besides the system's.
  package var caFile: String?
  /// The addresses that the host may turn out to have.
  package var addresses: AddressRule
  package var receiveBuffer = ReceiveBuffer.large

  package init(
    method: HTTPRequest.Method,
    url: HTTPURL,
    headers: HTTPFields = [:],
    caFile: String? = nil,
    addresses: AddressRule = .any
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.caFile = caFile
    self.addresses = addresses
  }
}

/// The head of an upstream's answer, and its body as it arrives.
package struct UpstreamResponse: Sendable {
  package var status: Int
  package var headers: HTTPFields
  package var body: any UpstreamBody
  /// The host that sent it, where upstream redirected to another one.
  package var redirectedTo: String?
  /// The place of the endpoint that was asked, among the upstream's.
  package var endpoint = 0

  package init(status: Int, headers: HTTPFields, body: any UpstreamBody) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}

/// A body that is read once, by one task; a second reading is an error.
package protocol UpstreamBody: Sendable {
  /// Hands over the chunks in order; throws an `UpstreamError` when the body breaks off or stalls.
  ///
  /// Returning false from `consume` ends the reading and gives the connection up.
  func forEachChunk(_ consume: (ByteBuffer) async throws -> Bool) async throws
}

extension UpstreamBody {
  /// The whole body, or `nil` when it is longer than the limit. In bytes.
  package func collect(upTo limit: Int) async throws(UpstreamError) -> [UInt8]? {
    var bytes: [UInt8] = []
    do {
      try await forEachChunk { chunk in
        bytes.append(contentsOf: chunk.readableBytesView)
        return bytes.count <= limit
      }
    } catch let error as UpstreamError {
      throw error
    } catch {
      throw UpstreamError(.unreachable, "\(error)")
    }
    return bytes.count <= limit ? bytes : nil
  }

  /// Reads a body nobody needs, so that its connection can be used again; a long one is given up.
  package func discard() async { _ = try? await collect(upTo: 64 * 1024) }

  /// The same for the body of a redirect, which somebody waits behind: what does not come at once is given up.
  package func discardBriefly() async {
    await withDeadline(.now + .seconds(1)) { _ = try? await collect(upTo: 16 * 1024) }
  }
}
