/// The reason why the store did not take some content.
package enum StoreFailure: Error, Equatable, Sendable {
  case file(FileError)
  case noRoom
}

extension StoreFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .file(let error): error.description
    case .noRoom:
      "it is too large, or too much of the store is pinned or was used in the last minutes: raise 'store.max_size'"
    }
  }
}
