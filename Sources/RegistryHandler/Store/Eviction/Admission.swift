/// The decision whether a download may take room in the store.
package enum Admission: Equatable, Sendable {
  /// The size is counted: the blob will be stored.
  case reserved
  /// The size is not counted: clients share the file, and its end decides whether the blob is stored.
  case shared
  /// The download would break a limit: it is not written at all.
  case refused
}
