internal import NIOCore
internal import Synchronization

/// Reads a part of a blob straight from upstream, for one client. Nothing of it is kept.
///
/// Where the part goes to the end of the blob and all before it is known, the last bytes are held back until the digest is
/// known. Where upstream breaks off, or has waited too long for the client, the rest is asked for.
final class UpstreamBlobSource: BlobSource {
  /// What upstream sends from somewhere on.
  struct Source: Sendable {
    let body: any UpstreamBody
    /// What it has before the bytes that are wanted, in bytes.
    let skipped: Int64
  }

  /// Asks upstream for what follows an offset.
  typealias Opener = @Sendable (_ offset: Int64) async throws(UpstreamError) -> Source

  /// What is between upstream and the client.
  private struct Pipe: Sendable {
    var chunks: [ByteBuffer] = []
    var count = 0
    var end: End?
  }

  private enum End: Sendable {
    case whole
    case broken(UpstreamError)
  }

  /// What may wait for a client that is slower than upstream, in bytes: a thousand of these clients are no burden.
  private static let maximumWaiting = 48 << 10

  let range: Range<Int64>
  private let pipe = Observed(Pipe())
  private let interest: FillLease?
  private let lease: BypassLimit.Lease?
  private let task: Mutex<Task<Void, Never>?>

  /// - Parameters:
  ///   - range: the part, in bytes.
  ///   - reopen: without it, nothing more is asked for.
  ///   - digest: what the whole must have, where the part reaches its end.
  ///   - hash: of all that is before the part.
  ///   - interest: in a download of the same blob, which goes on while this is read.
  ///   - lease: for the stream, held while this is read.
  ///   - now: the clock by which a stall is told.
  init(
    _ source: Source,
    range: Range<Int64>,
    reopening reopen: Opener? = nil,
    verifying digest: Digest? = nil,
    after hash: ContentHasher? = nil,
    keeping interest: FillLease? = nil,
    under lease: BypassLimit.Lease? = nil,
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    on executor: BlockingExecutor
  ) {
    self.range = range
    self.interest = interest
    self.lease = lease
    task = Mutex(nil)
    let pump = Pump(pipe: pipe, range: range, digest: digest, reopen: reopen, now: now)
    let task = Task(executorPreference: executor) { await pump.run(source, hash) }
    self.task.withLock { $0 = task }
  }

  deinit { task.withLock { $0?.cancel() } }

  /// All of the part, which has to be small; its digest has been checked where one was given.
  func collect() async throws(UpstreamError) -> ByteBuffer {
    guard let state = await pipe.first(where: { $0.end != nil }) else { throw .cancelled }
    if case .broken(let error) = state.end { throw error }
    return state.chunks.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
  }

  /// Reads all of the part and throws it away; throws where it is not what it has to be.
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

  func next(at offset: Int64) async throws(FileBlobSource.Failure) -> BlobChunk {
    guard let state = await pipe.first(where: { !$0.chunks.isEmpty || $0.end != nil }) else { throw .cancelled }
    guard let chunk = state.chunks.first else {
      if case .broken(let error) = state.end { throw .brokenOff(error) }
      throw .brokenOff(UpstreamError(.invalidResponse, "the blob ended at byte \(offset)"))
    }
    pipe.update { pipe in
      pipe.count -= chunk.readableBytes
      pipe.chunks.removeFirst()
    }
    return .bytes(chunk)
  }

  /// Brings the part into the pipe, as fast as the client takes it.
  private struct Pump: Sendable {
    /// How far it is.
    private struct Progress {
      /// What is still to come, in bytes.
      var rest: Int64
      var hash: ContentHasher?
      var stall: StallDetector
      /// What waits for the digest.
      var held = ByteBuffer()
    }

    let pipe: Observed<Pipe>
    let range: Range<Int64>
    let digest: Digest?
    let reopen: Opener?
    let now: @Sendable () -> ContinuousClock.Instant

    func run(_ source: Source, _ hash: ContentHasher?) async {
      var progress = Progress(
        rest: range.upperBound - range.lowerBound,
        hash: hash ?? digest.map { ContentHasher($0.algorithm) },
        stall: StallDetector(now: now())
      )
      do {
        try await pumpAll(source, &progress)
        pipe.update { $0.end = .whole }
      } catch {
        let failure = error as? UpstreamError ?? UpstreamError(.unreachable, "upstream broke off: \(error)")
        pipe.update { $0.end = .broken(failure) }
      }
    }

    private func pumpAll(_ source: Source, _ progress: inout Progress) async throws {
      var plan = ResumeBackoff(endpoints: 1, first: 0)
      var source = source
      while true {
        let before = progress.rest
        do {
          try await pump(source, &progress)
          break
        } catch let error as UpstreamError where error.isTransient {
          // All of it: how the answer ends does not matter, only the digest does.
          if progress.rest == 0 { break }
          if before - progress.rest >= error.leastProgress { plan.noteProgress() }
          source = try await rest(from: range.upperBound - progress.rest, after: error, &plan)
          progress.stall.restart(now: now())
        }
      }
      guard let digest else { return }
      guard progress.hash?.hex() == digest.hex else {
        throw UpstreamError(.invalidResponse, "upstream sent bytes whose digest is not \(digest)")
      }
      _ = await pass(progress.held, &progress.stall)
    }

    private func rest(
      from offset: Int64,
      after failure: UpstreamError,
      _ plan: inout ResumeBackoff
    ) async throws(UpstreamError) -> Source {
      var failure = failure
      guard let reopen else { throw failure }
      while let next = plan.next(after: failure) {
        guard (try? await Task.sleep(for: next.delay)) != nil else { throw .cancelled }
        do throws(UpstreamError) {
          return try await reopen(offset)
        } catch  where error.isTransient {
          failure = error
        }
      }
      throw failure
    }

    private func pump(_ source: Source, _ progress: inout Progress) async throws {
      var skipped = source.skipped
      try await source.body.forEachChunk { chunk in
        var chunk = chunk
        if progress.stall.isStalled(afterReceiving: chunk.readableBytes, now: now()) { throw UpstreamError.stalled }
        let ignored = Int(min(skipped, Int64(chunk.readableBytes)))
        chunk.moveReaderIndex(forwardBy: ignored)
        skipped -= Int64(ignored)
        // More than was asked for is a wrong whole, and no part of a part.
        guard Int64(chunk.readableBytes) <= progress.rest || digest == nil else {
          throw UpstreamError(.invalidResponse, "upstream sent more bytes than it had announced")
        }
        guard var wanted = chunk.readSlice(length: Int(min(progress.rest, Int64(chunk.readableBytes)))) else {
          return true
        }
        progress.rest -= Int64(wanted.readableBytes)
        if digest != nil {
          wanted.withUnsafeReadableBytes { progress.hash?.update($0) }
          let free = Int(max(0, progress.rest + Int64(wanted.readableBytes) - FillProgress.withheldTail))
          let early = wanted.readSlice(length: min(free, wanted.readableBytes)) ?? ByteBuffer()
          progress.held.writeBuffer(&wanted)
          wanted = early
        }
        guard await pass(wanted, &progress.stall) else { throw UpstreamError.cancelled }
        return progress.rest > 0 || digest != nil
      }
      guard progress.rest == 0 else {
        throw UpstreamError(.unreachable, "upstream broke off \(progress.rest) bytes before the end")
      }
    }

    /// Waits until there is room; false when nobody reads any more.
    private func pass(_ chunk: ByteBuffer, _ stall: inout StallDetector) async -> Bool {
      guard chunk.readableBytes > 0 else { return true }
      let isHeldBack = pipe.value.count >= UpstreamBlobSource.maximumWaiting
      guard await pipe.first(where: { $0.count < UpstreamBlobSource.maximumWaiting }) != nil else { return false }
      if isHeldBack { stall.restart(now: now()) }
      pipe.update {
        $0.chunks.append(chunk)
        $0.count += chunk.readableBytes
      }
      return true
    }
  }
}
