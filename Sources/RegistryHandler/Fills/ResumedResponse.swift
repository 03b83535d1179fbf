internal import HTTPTypes

/// What the first answer is worth to a download of which the beginning may be here; pure.
enum FirstResponse: Equatable, Sendable {
  /// What is missing follows.
  /// - size: of the whole, in bytes, where upstream told.
  /// - skipping: how much of what follows is here already, in bytes.
  case receive(size: Int64?, skipping: Int64)
  /// What is here is no beginning of what upstream has.
  case startAgain
  case refused

  /// - Parameters:
  ///   - offset: how much is here, in bytes.
  ///   - start: the first byte that was asked for, by a range unless it is 0.
  ///   - known: the size of the whole as it was announced for what is here, in bytes.
  init(_ response: UpstreamResponse, offset: Int64, start: Int64, size known: Int64? = nil) {
    let range = response.headers[.contentRange].flatMap { ContentRange($0) }
    switch response.status {
    case 200:
      let size = response.contentLength
      let isOther = offset > 0 && (size ?? .max < offset || size != known && size != nil && known != nil)
      self = isOther ? .startAgain : .receive(size: size, skipping: offset)
    case 206 where start > 0:
      guard let range, range.part.lowerBound == start, let size = range.size, size == known ?? size else {
        self = .startAgain
        return
      }
      self = .receive(size: size, skipping: offset - start)
    case 416 where start > 0: self = .startAgain
    default: self = .refused
    }
  }
}

/// What an answer is worth to a download that broke off and asked for the rest; pure.
enum ResumedResponse: Equatable, Sendable {
  /// The rest follows.
  case append
  /// The whole follows: its beginning is here already.
  case skipBeginning
  /// Not now.
  case tryAgain(UpstreamError)
  /// The rest is not to be had.
  case giveUp(UpstreamError)
  /// What follows is of something else.
  case changed

  /// - Parameters:
  ///   - offset: the first byte that was asked for.
  ///   - size: of the whole as the first answer announced it, in bytes.
  init(_ response: UpstreamResponse, _ route: Route, offset: Int64, size: Int64?) {
    let range = response.headers[.contentRange].flatMap { ContentRange($0) }
    switch response.status {
    case 200:
      self = Self.agree(response.contentLength, size) ? .skipBeginning : .changed
    case 206:
      guard let range, range.part.lowerBound == offset, Self.agree(range.size, size) else {
        self = .changed
        return
      }
      self = .append
    default:
      let error = UpstreamError(refusing: response, route)
      self = error.isTransient ? .tryAgain(error) : .giveUp(error)
    }
  }

  private static func agree(_ size: Int64?, _ other: Int64?) -> Bool { size == nil || other == nil || size == other }

  static let changedError = UpstreamError(
    .invalidResponse,
    "upstream broke off, and then sent another part or size than it had announced"
  )
}

/// When a download that broke off asks for the rest, and whom; pure.
struct ResumeBackoff: Sendable {
  struct Try: Equatable, Sendable {
    /// How long to wait before.
    var delay: Duration
    /// The place of the endpoint among the upstream's.
    var endpoint: Int
  }

  /// Together well below the time that nginx waits for the next byte.
  private static let delays: [Duration] = [
    .milliseconds(100), .milliseconds(400), .seconds(1), .seconds(2), .seconds(4),
  ]

  /// How long a try may take until the head of its answer: after a stall of 30 s, three of them fit into the minute that nginx
  /// waits for the next byte.
  static let timeout: Duration = .seconds(8)

  /// An upstream that sends a byte a connection is not to be asked for ever.
  private static let maximumTries = 1000

  private let endpoints: Int
  private var endpoint: Int
  private var tries = 0
  private var triesInVain = 0
  private var refusals = 0

  /// - Parameters:
  ///   - endpoints: how many the upstream has.
  ///   - first: the place of the one that sent the beginning.
  init(endpoints: Int, first: Int) {
    self.endpoints = endpoints
    endpoint = first
  }

  /// The next try; `nil` when it is time to give up.
  ///
  /// The endpoint that broke off is asked once more; where that brings nothing, or it has stalled, it is the next one's turn.
  mutating func next(after failure: UpstreamError) -> Try? {
    guard triesInVain < Self.delays.count, tries < Self.maximumTries else { return nil }
    if triesInVain > 0 || failure.kind == .timeout { endpoint = (endpoint + 1) % endpoints }
    defer {
      tries += 1
      triesInVain += 1
    }
    return Try(delay: Self.delays[triesInVain], endpoint: endpoint)
  }

  /// Bytes have come: the next failure is a new one.
  mutating func noteProgress() {
    triesInVain = 0
    refusals = 0
  }

  /// Whether this error is the last word: one that will not pass, when every endpoint has given one in a row.
  mutating func isFinal(_ error: UpstreamError) -> Bool {
    refusals = error.isTransient ? 0 : refusals + 1
    return refusals >= endpoints
  }
}
