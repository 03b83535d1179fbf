/// How far a fill is, and how much of it readers may have; pure.
package struct FillProgress: Sendable {
  package enum Phase: Equatable, Sendable {
    /// Upstream has not answered yet.
    case awaitingUpstream
    case receiving
    /// Verified, and in the store under its name.
    case stored
    /// Verified, but the store would not take it: it can be read as long as somebody does.
    case notStored
    /// It ended without the blob.
    case failed(UpstreamError)
    /// Upstream sends clients elsewhere for it.
    case redirected(ClientRedirect)
  }

  /// The end of a blob that readers get only once the digest is known, so that a wrong blob is never a complete answer.
  /// In bytes; a blob of up to this size is wholly withheld, and its answer can still become an error.
  package static let withheldTail: Int64 = 16 * 1024

  /// A blob of more is let go as soon as its digest is right: its way to the disk takes seconds. One of less is in the store
  /// when its last byte has arrived. In bytes.
  package static let earlyReleaseSize: Int64 = 64 << 20

  package var phase = Phase.awaitingUpstream
  /// The size that upstream announced, in bytes; `nil` when it announced none.
  package var size: Int64?
  package var written: Int64 = 0
  /// Whether the digest is known to be right, although the bytes may not be on the disk yet.
  package var isVerified = false
  /// A repository for which upstream has proved the blob; for any other it has to be asked.
  package var origin: UpstreamRepository?
  /// True while another process waits for another upstream's answer.
  package var awaitsAnother = false

  package init() {}

  /// How many bytes from the beginning readers may have.
  package var readable: Int64 {
    switch phase {
    case .awaitingUpstream, .redirected: 0
    case .stored, .notStored: written
    case .receiving where isVerified: written
    case .receiving, .failed: size.map { min(written, max(0, $0 - Self.withheldTail)) } ?? 0
    }
  }

  /// Whether the head of an answer can be sent: the size is known, and some bytes are let go before the end; or all are.
  package var canStream: Bool { phase == .receiving && (isVerified || (size ?? 0) > Self.withheldTail) }

  /// Whether a download goes on although nobody reads it: it is small, or half of it is there.
  package var isWorthFinishing: Bool {
    guard let size else { return written < Self.alwaysFinished }
    return size < Self.alwaysFinished || written * 2 >= size
  }

  /// A blob of less is finished whoever leaves, in bytes: it costs seconds.
  private static let alwaysFinished: Int64 = 64 << 20

  /// Whether there is something of the blob to answer with, now or later.
  package var hasBlob: Bool { [.receiving, .stored, .notStored].contains(phase) }

  /// Whether nothing more will come.
  package var isFinished: Bool { phase != .awaitingUpstream && phase != .receiving }
}
