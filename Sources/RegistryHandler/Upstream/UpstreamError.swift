/// The reason why an upstream gave no usable response.
package struct UpstreamError: Error, Equatable, Sendable {
  package enum Kind: String, Equatable, Sendable {
    /// No connection, or a broken one.
    case unreachable
    /// No response, or no byte of the body, in time.
    case timeout
    /// A body that brings next to nothing.
    case stalled
    /// The client left, so that the response is not needed.
    case cancelled
    /// A response that breaks the protocol or a rule of this proxy: wrong digest, refused redirect, no media type.
    case invalidResponse
    /// A status other than success.
    case status
    /// No token was issued.
    case authentication
    /// This proxy cannot handle the response now: it is overloaded, or its store has changed meanwhile.
    case unavailable
    /// The request was not sent, since upstream would hardly have responded.
    case notSent
  }

  package let kind: Kind
  /// A full sentence without the final stop that may be shown to the client: it contains no credential or signed query.
  package let reason: String
  /// The status of upstream's response, if there was one.
  package let status: Int?
  /// The `Retry-After` of upstream's response.
  package let retryAfter: String?

  package init(_ kind: Kind, _ reason: String, status: Int? = nil, retryAfter: String? = nil) {
    self.kind = kind
    self.reason = reason
    self.status = status
    self.retryAfter = retryAfter
  }

  /// Wraps an unexpected error; an upstream error is returned as it is.
  package init(unexpected error: any Error) {
    self = error as? UpstreamError ?? UpstreamError(.unreachable, "the connection to upstream broke: \(error)")
  }

  /// Indicates whether the same request may succeed shortly, or at another endpoint.
  package var isTransient: Bool {
    switch kind {
    case .unreachable, .timeout, .stalled, .notSent: true
    case .status, .authentication: status.map(Self.isTransient) ?? (kind == .authentication)
    case .invalidResponse, .cancelled, .unavailable: false
    }
  }

  /// Returns whether a status describes a transient condition, not the requested content.
  package static func isTransient(status: Int) -> Bool { status >= 500 || [408, 425, 429].contains(status) }

  package static let cancelled = UpstreamError(.cancelled, "the client left")
}
