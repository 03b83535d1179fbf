/// The limits of the store, and the repositories that are never evicted.
package struct StoreLimits: Equatable, Sendable {
  /// The space that the blobs may take, in bytes; `nil` for no limit.
  package var maxSize: Int64?
  /// The free space to preserve in the file system, in bytes; `nil` for none.
  package var minFree: Int64?
  /// Globs of `upstream/repository`: the content of a repository that matches is never evicted.
  package var pins: [GlobPattern] = []

  package init() {}

  package var isLimited: Bool { maxSize != nil || minFree != nil }
}
