/// A parameter of a query that cannot be decoded.
package struct MalformedQuery: Error, Equatable, Sendable {
  /// The parameter's name as the client wrote it. Its value may be a secret, which no log or error should show.
  package let parameter: String
}
