/// The action for a redirect and the reason for it: the table in `docs/rules/redirects.md`.
package enum RedirectAction: Equatable, Sendable {
  /// Send the request to the target, with the same method.
  case follow(HTTPURL, RedirectTarget)
  /// Hand the redirect to the client.
  case passThrough(ClientRedirect, RedirectTarget)
  /// Respond with 502.
  case refuse(RedirectRefusal)
}

/// The kind of host that a redirect leads to.
package enum RedirectTarget: String, CaseIterable, Sendable {
  /// The endpoint's own scheme, host and port: the only target that gets the token.
  case sameOrigin = "same origin"
  /// A host of `internal_hosts`.
  case internalHost = "internal host"
  /// A host of `storage_hosts`.
  case storageHost = "storage host"
  case otherHost = "other host"
}

/// The rule that refused a redirect.
package enum RedirectRefusal: Error, Equatable, Sendable {
  case notARedirect(Int)
  case noLocation
  case longLocation(Int)
  case malformedLocation
  case downgrade(host: String, isEndpoint: Bool)
  case tooManyHops(Int)
  case cycle
}

extension RedirectRefusal: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notARedirect(let status): "upstream answered \(status), which is not a redirect that can be followed"
    case .noLocation: "upstream sent a redirect without a Location"
    case .longLocation(let limit): "upstream sent a redirect whose Location is longer than \(limit) bytes"
    case .malformedLocation: "upstream sent a redirect whose Location is not a plain http or https URL"
    case .downgrade(let host, isEndpoint: true):
      "upstream redirects from https to plain http on \(host): if it lacks https, use an http URL in 'endpoints:'"
    case .downgrade(let host, isEndpoint: false):
      "upstream redirects from https to plain http on \(host): configure the registry to redirect to https"
    case .tooManyHops(let limit):
      "upstream redirects more than \(limit) times in a row: check that 'endpoints:' names the registry itself"
    case .cycle: "upstream redirects in a circle: check that 'endpoints:' names the registry itself, not this proxy"
    }
  }
}
