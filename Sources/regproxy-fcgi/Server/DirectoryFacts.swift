internal import Glibc
internal import SystemPackage

/// The type, owner and mode of a path, and the rights of this process there.
struct DirectoryFacts: Equatable, Sendable {
  var isDirectory: Bool
  var owner: String
  var group: String
  var mode: mode_t
  var maySearch: Bool
  /// The reason why no entry can be created there; `nil` if it can.
  var writeRefusal: Errno?

  init(
    isDirectory: Bool = true,
    owner: String,
    group: String,
    mode: mode_t,
    maySearch: Bool = true,
    writeRefusal: Errno? = nil
  ) {
    self.isDirectory = isDirectory
    self.owner = owner
    self.group = group
    self.mode = mode
    self.maySearch = maySearch
    self.writeRefusal = writeRefusal
  }

  /// Examines a path with the rights of the effective user and group; `nil` if nothing is there.
  init?(at path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    func refusal(_ mode: Int32) -> Errno? {
      faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 ? nil : Errno(rawValue: errno)
    }
    self.init(
      isDirectory: status.st_mode & S_IFMT == S_IFDIR,
      owner: ProcessIdentity.name(ofUser: status.st_uid),
      group: ProcessIdentity.name(ofGroup: status.st_gid),
      mode: status.st_mode & 0o7777,
      maySearch: refusal(X_OK) == nil,
      writeRefusal: refusal(W_OK | X_OK)
    )
  }
}
