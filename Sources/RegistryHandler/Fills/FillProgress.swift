/// The state of a fill, and the bytes that readers may have; pure.
package struct FillProgress: Sendable {
  package enum Phase: Equatable, Sendable {
    /// Upstream has not responded yet.
    case awaitingUpstream
    case receiving
    /// Verified, and in the store under its name.
    case stored
    /// Verified, but not taken by the store: its file can be read as long as somebody does.
    case notStored
    /// Ended without the blob.
    case failed(FillFailure)
    /// Redirected by upstream.
    case redirected(ClientRedirect)
  }

  /// The size of the tail that readers get only once the digest is known, in bytes: a wrong blob is never a complete response.
  ///
  /// A blob of up to this size is withheld altogether, and its response can still become an error.
  package static let withheldTail: Int64 = 16 * 1024

  /// The size in bytes above which the tail is released once verified, because syncing takes seconds. A smaller blob is in
  /// the store when its last byte has arrived.
  package static let earlyReleaseSize: Int64 = 64 << 20

  package var phase = Phase.awaitingUpstream
  /// The size that upstream announced, in bytes; `nil` when it announced none.
  package var size: Int64?
  package var written: Int64 = 0
  /// True once the digest is known to be right, although the bytes may not be on the disk yet.
  package var isVerified = false
  /// A repository for which upstream has proved the blob; for any other upstream has to be asked.
  package var provedRepository: UpstreamRepository?
  /// True while another process waits for another upstream's response.
  package var awaitsAnother = false

  package init() {}

  /// The number of leading bytes that readers may have.
  package var readable: Int64 {
    switch phase {
    case .awaitingUpstream, .redirected: 0
    case .stored, .notStored: written
    case .receiving where isVerified: written
    case .receiving, .failed: size.map { min(written, max(0, $0 - Self.withheldTail)) } ?? 0
    }
  }

  /// Indicates whether headers can be sent: the size is known and exceeds the withheld tail, or the blob is verified.
  package var canStream: Bool { phase == .receiving && (isVerified || (size ?? 0) > Self.withheldTail) }

  /// Indicates whether the fill continues without readers: the blob is small, or half of it is there.
  package var isWorthFinishing: Bool {
    guard let size else { return written < Self.alwaysFinished }
    return size < Self.alwaysFinished || written * 2 >= size
  }

  /// The size in bytes below which a blob is finished whoever leaves: it costs seconds.
  private static let alwaysFinished: Int64 = 64 << 20

  /// Indicates whether there are bytes to respond with, now or later.
  package var hasBlob: Bool { [.receiving, .stored, .notStored].contains(phase) }

  /// Indicates whether the fill has ended.
  package var isFinished: Bool { phase != .awaitingUpstream && phase != .receiving }

  /// Indicates whether the bytes are, or will be, those of another upstream.
  package func isOfAnotherUpstream(than upstream: UpstreamName, startedFor origin: FillOrigin) -> Bool {
    awaitsAnother || (provedRepository ?? origin.repository).upstream != upstream
  }
}
