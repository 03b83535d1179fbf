internal import SystemPackage

/// The reason why a store cannot be used: the user, the directory's owner and mode, and the remedy.
struct StoreRefusal: Error, Equatable, CustomStringConvertible {
  enum Problem: Equatable, Sendable {
    /// The store is missing and cannot be created in the directory.
    case cannotCreate(Errno)
    case cannotWrite(Errno)
    case cannotSearch
    case notADirectory
  }

  let problem: Problem
  /// The directory at fault.
  let path: String
  let found: DirectoryFacts?
  let store: String
  let process: ProcessIdentity

  var description: String {
    switch problem {
    case .notADirectory: "\(path) is not a directory: remove it, or choose another 'store.directory'"
    case .cannotCreate(.readOnlyFileSystem), .cannotWrite(.readOnlyFileSystem):
      "\(path) is on a read-only file system: mount it for writing, or choose another 'store.directory'"
    case .cannotSearch:
      "\(ownership), and \(user) may not search it: choose another 'store.directory', or run as root: chmod a+x \(path)"
    case .cannotCreate:
      "\(store) does not exist, \(ownership), and \(user) may not write there; run as root: \(install)"
    case .cannotWrite where path == store: "\(ownership), and \(user) may not write there; run as root: \(install)"
    case .cannotWrite:
      "\(ownership), and \(user) may not write there; run as root: chown -R \(process.user):\(process.group) \(store)"
    }
  }

  private var user: String { "\(process.user) (uid \(process.userID), gid \(process.groupID))" }

  private var ownership: String {
    guard let found else { return path }
    let digits = String(found.mode, radix: 8)
    let mode = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    return "\(path) belongs to \(found.owner):\(found.group) with mode \(mode)"
  }

  private var install: String { "install -d -o \(process.user) -g \(process.group) -m 2750 \(store)" }
}
