import Crypto
import Foundation

/// A request's answer as a client saw it.
package struct HTTPExchange: Sendable {
  package let head: ResponseHead
  /// The body, up to ``keptBytes`` of it; ``digest`` and ``length`` are of all of it.
  package let body: [UInt8]
  package let length: Int
  /// `sha256:<hex>` of the body as far as it came.
  package let digest: String
  /// Whether the body came to the end that the headers promised.
  package let isComplete: Bool
  package let endedAt: ContinuousClock.Instant

  /// Twenty clients with a 64 MB blob each must not need the memory for it.
  package static let keptBytes = 8 << 20

  package var status: Int { head.status }
  package var headers: HeaderLines { head.headers }
  package var text: String { String(decoding: body, as: UTF8.self) }

  /// The codes of OCI error JSON; empty when the body is not that.
  /// <https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#error-codes>
  package var errorCodes: [String] {
    struct Errors: Decodable {
      struct Entry: Decodable {
        let code: String
        let message: String
      }
      let errors: [Entry]
    }
    return (try? JSONDecoder().decode(Errors.self, from: Data(body)))?.errors.map(\.code) ?? []
  }

  /// Whether this is a whole answer with these very bytes.
  package func isWhole(_ digest: String) -> Bool { status == 200 && isComplete && self.digest == digest }
}

/// Gathers a body: all of it for the digest, the start of it to look at.
struct BodyCollector {
  private var hasher = SHA256()
  private(set) var kept: [UInt8] = []
  private(set) var length = 0

  mutating func add(_ bytes: [UInt8]) {
    hasher.update(data: bytes)
    length += bytes.count
    kept.append(contentsOf: bytes.prefix(max(0, HTTPExchange.keptBytes - kept.count)))
  }

  func makeExchange(head: ResponseHead, isComplete: Bool) -> HTTPExchange {
    HTTPExchange(
      head: head,
      body: kept,
      length: length,
      digest: "sha256:\(hasher.finalize().hex)",
      isComplete: isComplete,
      endedAt: .now
    )
  }
}
