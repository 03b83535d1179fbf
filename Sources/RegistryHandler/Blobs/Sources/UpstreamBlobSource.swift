internal import NIOCore
internal import Synchronization

/// A part of a blob that one client gets from upstream. Nothing of it is stored.
///
/// If the part extends to the end of the blob and all bytes before it are known, the last bytes are withheld until the
/// digest is known. If upstream breaks off, or has waited too long for the client, the rest is requested.
final class UpstreamBlobSource: BlobSource {
  /// Requests the bytes from an offset on.
  typealias Opener = @Sendable (_ offset: Int64) async throws(FillFailure) -> ResumableBody.Part

  /// The bytes between upstream and the client.
  fileprivate struct Pipe: Sendable {
    var chunks: [ByteBuffer] = []
    var count = 0
    var end: End?
  }

  fileprivate enum End: Sendable {
    case whole
    case broken(UpstreamError)
  }

  /// The most bytes that wait for a slow client: a thousand such clients are not a burden.
  fileprivate static let maximumWaiting = 48 << 10

  let range: Range<Int64>
  private let pipe = Observed(Pipe())
  private let fillLease: FillLease?
  private let bypassLease: BypassLimit.Lease?
  private let task: Mutex<Task<Void, Never>?>

  /// - Parameters:
  ///   - range: the part, in bytes.
  ///   - open: requests the rest; without it, a broken response is final.
  ///   - digest: of the whole, if the part extends to its end.
  ///   - hash: of the bytes before the part.
  ///   - fillLease: of a fill of the same blob, which continues while this source is read.
  ///   - bypassLease: of the stream, held while this source is read.
  ///   - now: the clock that a stall is measured by.
  init(
    _ part: ResumableBody.Part,
    range: Range<Int64>,
    reopening open: Opener? = nil,
    verifying digest: Digest? = nil,
    after hash: ContentHasher? = nil,
    keeping fillLease: FillLease? = nil,
    under bypassLease: BypassLimit.Lease? = nil,
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    on executor: BlockingExecutor
  ) {
    self.range = range
    self.fillLease = fillLease
    self.bypassLease = bypassLease
    task = Mutex(nil)
    let pump = Pump(pipe: pipe, range: range, digest: digest, open: open, now: now)
    let task = Task(executorPreference: executor) { await pump.run(part, hash) }
    self.task.withLock { $0 = task }
  }

  deinit { task.withLock { $0?.cancel() } }

  /// Reads all of a small part, whose digest is checked if one was given.
  func collect() async throws(UpstreamError) -> ByteBuffer {
    guard let state = await pipe.first(where: { $0.end != nil }) else { throw .cancelled }
    if case .broken(let error) = state.end { throw error }
    return state.chunks.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
  }

  /// Reads and discards all of the part; throws if its size or digest is wrong.
  func drain() async throws(UpstreamError) {
    while true {
      guard let state = await pipe.first(where: { !$0.chunks.isEmpty || $0.end != nil }) else { throw .cancelled }
      if state.chunks.isEmpty, let end = state.end {
        if case .broken(let error) = end { throw error }
        return
      }
      pipe.update { $0 = Pipe(end: $0.end) }
    }
  }

  func next(at offset: Int64) async throws(BlobSourceFailure) -> BlobChunk {
    guard let state = await pipe.first(where: { !$0.chunks.isEmpty || $0.end != nil }) else { throw .cancelled }
    guard let chunk = state.chunks.first else {
      if case .broken(let error) = state.end { throw .upstream(error) }
      throw .ended(at: offset)
    }
    pipe.update { pipe in
      pipe.count -= chunk.readableBytes
      pipe.chunks.removeFirst()
    }
    return .bytes(chunk)
  }
}

/// The task that brings the part into the pipe, as fast as the client takes it.
private struct Pump: Sendable {
  let pipe: Observed<UpstreamBlobSource.Pipe>
  let range: Range<Int64>
  let digest: Digest?
  let open: UpstreamBlobSource.Opener?
  let now: @Sendable () -> ContinuousClock.Instant

  func run(_ part: ResumableBody.Part, _ hash: ContentHasher?) async {
    do {
      try await receive(part, hash)
      pipe.update { $0.end = .whole }
    } catch {
      let failure = (error as? FillFailure)?.upstreamError ?? UpstreamError(unexpected: error)
      pipe.update { $0.end = .broken(failure) }
    }
  }

  private func receive(_ part: ResumableBody.Part, _ hash: ContentHasher?) async throws {
    let backoff = open == nil ? ResumeBackoff.never : ResumeBackoff(endpoints: 1, first: 0)
    var body = ResumableBody(from: range.lowerBound, to: range.upperBound, backoff, now: now)
    var rest = range.upperBound - range.lowerBound
    var hash = hash ?? digest.map { ContentHasher($0.algorithm) }
    var withheld = ByteBuffer()
    try await body.receive(part) { retry throws(FillFailure) in
      guard let open else { throw retry.failure }
      return try await open(retry.offset)
    } consume: { chunk in
      var chunk = chunk
      // More than was requested is a wrong whole, but may follow a part.
      guard Int64(chunk.readableBytes) <= rest || digest == nil else {
        throw UpstreamError(.invalidResponse, "upstream sent more bytes than it had announced")
      }
      let length = Int(min(rest, Int64(chunk.readableBytes)))
      guard var wanted = chunk.readSlice(length: length), length > 0 else { return .enough }
      rest -= Int64(length)
      if digest != nil {
        wanted.withUnsafeReadableBytes { hash?.update($0) }
        let free = Int(max(0, rest + Int64(length) - FillProgress.withheldTail))
        let early = wanted.readSlice(length: min(free, length)) ?? ByteBuffer()
        withheld.writeBuffer(&wanted)
        wanted = early
      }
      let wasFull = wanted.readableBytes > 0 && pipe.value.count >= UpstreamBlobSource.maximumWaiting
      guard await pass(wanted) else { throw UpstreamError.cancelled }
      guard rest > 0 || digest != nil else { return .enough }
      return wasFull ? .moreAfterPause : .more
    }
    guard let digest else { return }
    guard hash?.hex() == digest.hex else {
      throw UpstreamError(.invalidResponse, "upstream sent bytes whose digest is not \(digest)")
    }
    _ = await pass(withheld)
  }

  /// Waits until there is room; false when the reader has left.
  private func pass(_ chunk: ByteBuffer) async -> Bool {
    guard chunk.readableBytes > 0 else { return true }
    guard await pipe.first(where: { $0.count < UpstreamBlobSource.maximumWaiting }) != nil else { return false }
    pipe.update {
      $0.chunks.append(chunk)
      $0.count += chunk.readableBytes
    }
    return true
  }
}
