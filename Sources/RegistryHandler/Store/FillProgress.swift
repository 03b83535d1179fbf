/// How far a fill is, and how much of it readers may have; pure.
package struct FillProgress: Sendable {
  package enum Phase: Equatable, Sendable {
    /// Upstream has not answered yet.
    case opening
    case filling
    /// Verified, and in the store under its name.
    case complete
    /// It ended without the blob.
    case failed(UpstreamError)
    /// Upstream sends clients elsewhere for it.
    case redirected(ClientRedirect)
  }

  /// The end of a blob that readers get only once the digest is known, so that a wrong blob is never a complete answer.
  /// In bytes; a blob of up to this size is wholly withheld, and its answer can still become an error.
  package static let heldBack: Int64 = 16 * 1024

  package var phase = Phase.opening
  /// The size that upstream announced, in bytes; `nil` when it announced none.
  package var size: Int64?
  package var written: Int64 = 0

  package init() {}

  /// How many bytes from the beginning readers may have.
  package var readable: Int64 {
    switch phase {
    case .opening, .redirected: 0
    case .complete: written
    case .filling, .failed: size.map { min(written, max(0, $0 - Self.heldBack)) } ?? 0
    }
  }

  /// Whether the head of an answer can be sent: the size is known, and some bytes are let go before the end.
  package var isStreamable: Bool { phase == .filling && (size ?? 0) > Self.heldBack }

  /// Whether nothing more will come.
  package var isSettled: Bool { phase != .opening && phase != .filling }
}
