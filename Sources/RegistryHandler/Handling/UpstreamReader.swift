internal import NIOCore
internal import Synchronization

/// Reads a part of a blob straight from upstream, for one client. Nothing of it is kept.
///
/// Where the part goes to the end of the blob and all before it is known, the last bytes are held back until the digest is
/// known.
final class UpstreamReader: BlobSource {
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

  /// What may wait for a client that is slower than upstream. In bytes.
  private static let maximumWaiting = 1 << 20

  let range: Range<Int64>
  private let pipe = Observed(Pipe())
  private let interest: FillInterest?
  private let task: Mutex<Task<Void, Never>?>

  /// - Parameters:
  ///   - range: the part, in bytes.
  ///   - skipped: what the body has before the part, in bytes.
  ///   - digest: what the whole must have, where the part reaches its end.
  ///   - hash: of all that is before the part.
  ///   - interest: in a download of the same blob, which goes on while this is read.
  init(
    _ body: any UpstreamBody,
    range: Range<Int64>,
    skipping skipped: Int64 = 0,
    verifying digest: Digest? = nil,
    after hash: RunningHash? = nil,
    keeping interest: FillInterest? = nil,
    on executor: BlockingExecutor
  ) {
    self.range = range
    self.interest = interest
    task = Mutex(nil)
    let pump = Pump(pipe: pipe, skipped: skipped, rest: Int64(range.count), digest: digest)
    let task = Task(executorPreference: executor) { await pump.run(body, hash) }
    self.task.withLock { $0 = task }
  }

  deinit { task.withLock { $0?.cancel() } }

  func next(at offset: Int64) async throws(BlobReader.Failure) -> BlobPiece {
    guard let state = await pipe.first(where: { !$0.chunks.isEmpty || $0.end != nil }) else { throw .cancelled }
    guard let chunk = state.chunks.first else {
      if case .broken(let error) = state.end { throw .brokenOff(error) }
      throw .brokenOff(UpstreamError(.invalidAnswer, "the blob ended at byte \(offset)"))
    }
    pipe.update { pipe in
      pipe.count -= chunk.readableBytes
      pipe.chunks.removeFirst()
    }
    return .bytes(chunk)
  }

  /// Brings the body into the pipe, as fast as the client takes it.
  private struct Pump: Sendable {
    let pipe: Observed<Pipe>
    let skipped: Int64
    let rest: Int64
    let digest: Digest?

    func run(_ body: any UpstreamBody, _ hash: RunningHash?) async {
      do {
        try await pump(body, hash ?? digest.map { RunningHash($0.algorithm) })
        pipe.update { $0.end = .whole }
      } catch {
        let failure = error as? UpstreamError ?? UpstreamError(.unreachable, "upstream broke off: \(error)")
        pipe.update { $0.end = .broken(failure) }
      }
    }

    private func pump(_ body: any UpstreamBody, _ hash: RunningHash?) async throws {
      var hash = hash
      var (skipped, rest) = (skipped, rest)
      var held = ByteBuffer()
      try await body.forEachChunk { chunk in
        var chunk = chunk
        let ignored = Int(min(skipped, Int64(chunk.readableBytes)))
        chunk.moveReaderIndex(forwardBy: ignored)
        skipped -= Int64(ignored)
        // More than was asked for is a wrong whole, and no part of a part.
        guard Int64(chunk.readableBytes) <= rest || digest == nil else {
          throw UpstreamError(.invalidAnswer, "upstream sent more bytes than it had announced")
        }
        guard var wanted = chunk.readSlice(length: Int(min(rest, Int64(chunk.readableBytes)))) else { return true }
        rest -= Int64(wanted.readableBytes)
        if digest != nil {
          wanted.withUnsafeReadableBytes { hash?.update($0) }
          let free = Int(max(0, rest + Int64(wanted.readableBytes) - FillProgress.heldBack))
          let early = wanted.readSlice(length: min(free, wanted.readableBytes)) ?? ByteBuffer()
          held.writeBuffer(&wanted)
          wanted = early
        }
        return await pass(wanted) && (rest > 0 || digest != nil)
      }
      guard rest == 0 else { throw UpstreamError(.unreachable, "upstream broke off \(rest) bytes before the end") }
      guard let digest else { return }
      guard hash?.hex() == digest.hex else {
        throw UpstreamError(.invalidAnswer, "upstream sent bytes whose digest is not \(digest)")
      }
      _ = await pass(held)
    }

    /// Waits until there is room; false when nobody reads any more.
    private func pass(_ chunk: ByteBuffer) async -> Bool {
      guard chunk.readableBytes > 0 else { return true }
      guard await pipe.first(where: { $0.count < UpstreamReader.maximumWaiting }) != nil else { return false }
      pipe.update {
        $0.chunks.append(chunk)
        $0.count += chunk.readableBytes
      }
      return true
    }
  }
}
