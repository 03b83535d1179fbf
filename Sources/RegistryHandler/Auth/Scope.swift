/// The scope of a token: an action on a resource.
/// <https://distribution.github.io/distribution/spec/auth/scope/>
package struct Scope: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  /// Returns the scope for pulling from a repository.
  package static func pull(_ repository: RepositoryName) -> Scope {
    Scope(description: "repository:\(repository):pull")
  }
}
