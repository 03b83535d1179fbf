internal import Synchronization
internal import SystemPackage

/// The requests for blobs that no process has a partial file for, so that two processes do not download the same blob.
///
/// Each request is an advisory OFD lock on a byte of one file that all processes share, so that a redirect costs no file.
/// Within a process, the caller has one request per digest.
package final class PendingRequests: Sendable {
  /// The right to request a blob.
  package enum Turn: Sendable {
    /// The caller's, as long as it keeps the request.
    case mine(PendingRequest)
    /// Another process's.
    case taken(toSameUpstream: Bool)
    /// Unknown, as the shared file cannot be opened or locked.
    case unavailable
  }

  /// The shared file, open only while this process has requests: an open file would keep the store from being remounted.
  private struct State {
    weak var file: OpenFile?
  }

  private let path: String
  private let state = Mutex(State())

  package init(_ layout: StoreLayout) { path = layout.requestsLock }

  /// Begins a request for a blob, unless another process has one. Blocks briefly.
  package func begin(_ digest: Digest, to upstream: UpstreamName) -> Turn {
    guard let file = openFile() else { return .unavailable }
    let (digestMark, upstreamMark) = (Self.mark(for: digest), Self.mark(for: digest, upstream))
    switch file.tryMark(at: digestMark) {
    case .unsupported: return .unavailable
    case .taken: return .taken(toSameUpstream: file.isMarked(at: upstreamMark))
    case .set:
      // Only tells other processes that they may wait longer.
      _ = file.tryMark(at: upstreamMark)
      return .mine(PendingRequest(file, [digestMark, upstreamMark]))
    }
  }

  private func openFile() -> OpenFile? {
    state.withLock { state in
      // After a removal of the store, other processes mark another file.
      if let file = state.file, file.isStillAtItsPath() { return file }
      let file = try? OpenFile(path, .readWrite, [.create, .closeOnExec, .noFollow])
      state.file = file
      return file
    }
  }

  /// The digits of a digest that make an offset.
  private static let offsetDigits = 15

  /// The offset of the mark of a digest: below 2^60. Digests that share it wait for each other.
  private static func mark(for digest: Digest) -> Int64 {
    Int64(digest.hex.prefix(offsetDigits), radix: 16) ?? 0
  }

  /// The offset of the mark of a digest at one upstream: from 2^60 to 2^61.
  private static func mark(for digest: Digest, _ upstream: UpstreamName) -> Int64 {
    (1 << 60) | (mark(for: digest) ^ Int64(upstream.description.fnv1a >> 4))
  }
}

/// A request for a blob that no other process requests; it ends with its last reference, if not before.
package final class PendingRequest: Sendable {
  private struct State {
    var file: OpenFile?
    var marks: [Int64]
  }

  private let state: Mutex<State>

  fileprivate init(_ file: OpenFile, _ marks: [Int64]) { state = Mutex(State(file: file, marks: marks)) }

  deinit { end() }

  /// Lets other processes request the blob.
  package func end() {
    state.withLock { state in
      for mark in state.marks { state.file?.removeMark(at: mark) }
      state = State(file: nil, marks: [])
    }
  }
}
