/// Where a redirect of upstream leads: the table in `docs/request-handling.md`.
package enum RedirectAction: Equatable, Sendable {
  /// Ask the target too, with the upstream's token: it is the same origin.
  case follow(HTTPURL)
  /// Hand the redirect to the client with its `Location` as it came.
  case passThrough(location: String)
  /// Neither: the answer is 502.
  case refuse(RedirectRefusal)
}

/// The rule that refused a redirect.
package enum RedirectRefusal: Error, Equatable, Sendable {
  case notARedirect(Int)
  case noLocation
  case malformedLocation
  case downgrade(host: String)
  case tooManyHops(Int)
  case cycle
}

/// Decides what is done with a redirect; pure.
package struct RedirectPolicy: Sendable {
  /// Enough for every registry seen, few enough that a loop costs little.
  package static let maximumHops = 5

  /// The statuses that carry a `Location` to go to. <https://www.rfc-editor.org/rfc/rfc9110#section-15.4>
  package static let statuses: Set<Int> = [301, 302, 303, 307, 308]

  package init() {}

  /// The action for a redirect.
  /// - Parameters:
  ///   - status: the status of the answer, 3xx.
  ///   - location: the value of its `Location`.
  ///   - request: the URL that was asked.
  ///   - endpoint: the endpoint of the upstream, whose origin is trusted with its token.
  ///   - hops: the URLs asked so far, `request` included.
  package func action(
    status: Int,
    location: String?,
    request: HTTPURL,
    endpoint: HTTPURL,
    hops: [HTTPURL]
  ) -> RedirectAction {
    guard Self.statuses.contains(status) else { return .refuse(.notARedirect(status)) }
    guard let location, !location.isEmpty else { return .refuse(.noLocation) }
    guard let target = request.resolving(location) else { return .refuse(.malformedLocation) }
    guard request.scheme == .http || target.scheme == .https else { return .refuse(.downgrade(host: target.host)) }
    guard target.isSameOrigin(as: endpoint) else {
      // A reference without a scheme would mean something else at the client's own URL.
      return .passThrough(location: HTTPURL(location) == nil ? target.description : location)
    }
    guard !hops.contains(target) else { return .refuse(.cycle) }
    guard hops.count <= Self.maximumHops else { return .refuse(.tooManyHops(Self.maximumHops)) }
    return .follow(target)
  }
}

extension RedirectRefusal: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notARedirect(let status): "upstream answered \(status), which is no redirect that can be followed"
    case .noLocation: "upstream sent a redirect without a Location"
    case .malformedLocation: "upstream sent a redirect whose Location is not a plain http or https URL"
    case .downgrade(let host): "upstream redirects from https to http on \(host)"
    case .tooManyHops(let limit): "upstream redirects more than \(limit) times"
    case .cycle: "upstream redirects in a circle"
    }
  }
}
