/// The use of a fill by a request that joined it; pure.
enum JoinDecision: Equatable, Sendable {
  /// The fill's bytes, redirect or failure are the response.
  case respond
  /// The fill's bytes are the response once upstream has proved the blob for the request's repository.
  case proveFirst
  /// The request waits for the fill until its deadline: its own upstream announces no size, so that no bypass is
  /// possible.
  case keepWaiting
  /// The request gets the blob from its own upstream, uncached.
  case bypass
  /// The fill says nothing about this request, which starts its own.
  case startOwn
  case timedOut

  /// The wait before the decision.
  enum Wait: Equatable, Sendable {
    /// A wait until the fill could be used; a brief one for another upstream.
    case short
    /// The short wait, after a bypass in vain: upstream announces no size.
    case shortWithoutSize
    /// A wait until the deadline.
    case full
  }

  init(_ fill: FillOrigin, for request: FillOrigin, _ progress: FillProgress, after wait: Wait) {
    guard progress.isFinished || progress.canStream else {
      let upstream = request.repository.upstream
      switch wait {
      case .short where progress.isOfAnotherUpstream(than: upstream, startedFor: fill): self = .bypass
      case .shortWithoutSize: self = .keepWaiting
      case .short, .full: self = .timedOut
      }
      return
    }
    guard progress.hasBlob else {
      self = fill == request ? .respond : .startOwn
      return
    }
    self = progress.provedRepository == request.repository ? .respond : .proveFirst
  }
}
