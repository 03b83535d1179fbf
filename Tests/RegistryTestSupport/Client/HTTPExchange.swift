import Crypto
import Foundation

/// A response as a client saw it.
package struct HTTPExchange: Sendable {
  package let head: ResponseHead
  /// The first ``keptBytes`` of the body; ``digest`` and ``length`` are those of the whole.
  package let body: [UInt8]
  package let length: Int
  /// The digest of the body, as far as it was received.
  package let digest: String
  /// Indicates whether the body reached the end that its framing promised.
  package let isComplete: Bool
  package let endedAt: ContinuousClock.Instant

  /// A bound on memory: twenty clients may have a 64 MB blob each.
  package static let keptBytes = 8 << 20

  package var status: Int { head.status }
  package var headers: HeaderLines { head.headers }
  package var text: String { String(decoding: body, as: UTF8.self) }

  /// The codes of the OCI error JSON in the body; empty for any other body.
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

  /// Returns whether the response is a complete 200 with a body of this digest.
  package func isWhole(_ digest: String) -> Bool { status == 200 && isComplete && self.digest == digest }
}

/// Collects a body: all of its bytes for the digest, the first ones for tests to examine.
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
