/// Why an upstream gave no usable answer.
package struct UpstreamError: Error, Equatable, Sendable {
  package enum Kind: String, Equatable, Sendable {
    /// No connection, or it broke.
    case unreachable
    /// No answer, or no byte of the body, in time.
    case timeout
    /// The client left; nobody waits for the answer.
    case cancelled
    /// The answer breaks the protocol or a rule of ours: wrong digest, refused redirect, no media type.
    case invalidResponse
    /// A status other than success.
    case status
    /// No token could be had.
    case authentication
    /// The answer could not be kept.
    case store
    /// This proxy has too much in work to take the answer.
    case busy
    /// Upstream was not asked, since it would hardly have answered.
    case notSent
  }

  package let kind: Kind
  /// A full sentence without the final stop, fit to be shown to the client: no credential, no signed query.
  package let reason: String
  /// The status of upstream's answer, where there was one.
  package let status: Int?
  /// The `Retry-After` of upstream's answer.
  package let retryAfter: String?

  package init(_ kind: Kind, _ reason: String, status: Int? = nil, retryAfter: String? = nil) {
    self.kind = kind
    self.reason = reason
    self.status = status
    self.retryAfter = retryAfter
  }

  /// Whether the same question may be answered a moment later, or by another endpoint.
  package var isTransient: Bool {
    switch kind {
    case .unreachable, .timeout, .notSent: true
    case .status, .authentication: status.map(Self.isTransient) ?? (kind == .authentication)
    case .invalidResponse, .cancelled, .store, .busy: false
    }
  }

  /// Whether an answer with this status tells of a moment, not of what was asked for.
  package static func isTransient(status: Int) -> Bool { status >= 500 || [408, 425, 429].contains(status) }

  package static let cancelled = UpstreamError(.cancelled, "the client left")
}
