/// The reason why the store did not take some content.
package enum StoreFailure: Error, Equatable, Sendable, CustomStringConvertible {
  /// The system refused a file operation.
  case file(FileError)
  /// The content does not fit within the limits, even after eviction.
  case noRoom

  package var description: String {
    switch self {
    case .file(let error): error.description
    case .noRoom:
      "the content is too large, or too much of the store is pinned or was used recently: raise 'store.max_size'"
    }
  }
}
