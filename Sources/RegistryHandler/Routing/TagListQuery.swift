/// The pagination of a tag list.
/// <https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#listing-tags>
package struct TagListQuery: Equatable, Sendable {
  package var n: Int?
  package var last: String?

  package init(n: Int? = nil, last: String? = nil) {
    self.n = n
    self.last = last
  }

  package init(_ query: Query) throws(RouteError) {
    if let n = query["n"] {
      guard let count = Int(n), count >= 0 else { throw .malformedQuery("n=\(n)") }
      self.n = count
    }
    last = query["last"]
  }
}
