/// What a token is asked for: an action on a resource.
/// <https://distribution.github.io/distribution/spec/auth/scope/>
package struct Scope: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  /// Reading one repository.
  package static func pull(_ repository: RepositoryName) -> Scope {
    Scope(description: "repository:\(repository):pull")
  }
}
