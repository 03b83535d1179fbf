internal import NIOCore

/// The content of a blob, received by as many responses as it takes: where one breaks off or stalls, the rest is requested.
struct ResumableBody {
  /// The body of one response.
  struct Part: Sendable {
    let body: any UpstreamBody
    /// The number of leading bytes that are not wanted.
    let skipped: Int64
  }

  /// A request for the rest.
  struct Retry: Sendable {
    /// The first missing byte.
    let offset: Int64
    /// The index of the endpoint among the upstream's.
    let endpoint: Int
    let failure: FillFailure
  }

  /// The receiver's wish after a chunk.
  enum Demand: Sendable {
    case more
    /// More, although the receiver was busy: upstream is not to blame for the pause.
    case moreAfterPause
    case enough
  }

  /// The offset of the next byte.
  private(set) var offset: Int64
  private let end: Int64?
  private var backoff: ResumeBackoff
  /// The clock that a stall is measured by.
  private let now: () -> ContinuousClock.Instant

  /// - Parameters:
  ///   - offset: of the first wanted byte.
  ///   - end: the offset after the last wanted byte; `nil` when the size is unknown.
  init(
    from offset: Int64,
    to end: Int64?,
    _ backoff: ResumeBackoff,
    now: @escaping () -> ContinuousClock.Instant
  ) {
    self.offset = offset
    self.end = end
    self.backoff = backoff
    self.now = now
  }

  /// Receives the content to its end.
  ///
  /// Throws the last `UpstreamError` or `FillFailure`, and any error of `consume`.
  /// - Parameters:
  ///   - part: of the first response.
  ///   - interrupted: called when a response breaks off or stalls; throws where the rest is not wanted.
  ///   - reopen: requests the rest.
  ///   - consume: takes a chunk, which may extend beyond the end.
  mutating func receive(
    _ part: Part,
    interrupted: (UpstreamError) throws(FillFailure) -> Void,
    reopen: (Retry) async throws(FillFailure) -> Part,
    consume: (ByteBuffer) async throws -> Demand
  ) async throws {
    var part = part
    while true {
      let start = offset
      do {
        return try await receive(part, consume)
      } catch let failure as UpstreamError where failure.isTransient {
        // With all bytes here only the digest matters, not how the response ends.
        if offset == end { return }
        try interrupted(failure)
        let offset = offset
        if offset - start >= failure.leastProgress { backoff.noteProgress() }
        part = try await backoff.retry(after: .upstream(failure)) { endpoint, failure throws(FillFailure) in
          try await reopen(Retry(offset: offset, endpoint: endpoint, failure: failure))
        }
      }
    }
  }

  /// Receives the content to its end, whatever interrupts it.
  mutating func receive(
    _ part: Part,
    reopen: (Retry) async throws(FillFailure) -> Part,
    consume: (ByteBuffer) async throws -> Demand
  ) async throws {
    try await receive(part, interrupted: { _ throws(FillFailure) in }, reopen: reopen, consume: consume)
  }

  private mutating func receive(_ part: Part, _ consume: (ByteBuffer) async throws -> Demand) async throws {
    var skipped = part.skipped
    var stall = StallDetector(now: now())
    try await part.body.forEachChunk { chunk in
      var chunk = chunk
      if stall.isStalled(afterReceiving: chunk.readableBytes, now: now()) { throw UpstreamError.stalled }
      let known = Int(min(skipped, Int64(chunk.readableBytes)))
      chunk.moveReaderIndex(forwardBy: known)
      skipped -= Int64(known)
      guard chunk.readableBytes > 0 else { return true }
      offset += Int64(chunk.readableBytes)
      switch try await consume(chunk) {
      case .more: return true
      case .moreAfterPause:
        stall.restart(now: now())
        return true
      case .enough: return false
      }
    }
    if let end, offset < end {
      throw UpstreamError(.unreachable, "upstream broke off \(end - offset) bytes before the end")
    }
  }
}
