/// The reason why a request has no route, with the offending text.
package enum RouteError: Error, Equatable {
  case malformedPath(String, String)
  case malformedQuery(String)
  case invalidName(String)
  case invalidDigest(String)
  case invalidTag(String)
  case unknownUpstream(String)
  case unknownEndpoint(String)
}
