internal import Glibc
internal import RegistryHandler
internal import SystemPackage

/// The use that a process may make of the store's directory. Examining it makes and changes no file.
enum StoreAccess: Equatable, Sendable {
  case usable
  /// The directory is missing, and this process may make it.
  case willBeCreated
  case refused(StoreRefusal)

  /// Looks at the directory, the directories above it and those that the store has in it.
  /// - Parameters:
  ///   - directory: an absolute path.
  ///   - facts: what stands at a path; `nil` when nothing does.
  init(
    to directory: String,
    by process: ProcessIdentity = .current,
    facts: (String) -> DirectoryFacts? = { DirectoryFacts(at: $0) }
  ) {
    func refusal(_ problem: StoreRefusal.Problem, at path: String, _ found: DirectoryFacts?) -> StoreAccess {
      .refused(StoreRefusal(problem: problem, path: path, found: found, store: directory, process: process))
    }
    var above = "/"
    var aboveFacts = facts(above)
    for path in Self.prefixes(of: directory) {
      guard let found = facts(path) else {
        guard let errno = aboveFacts?.writeRefusal else { self = .willBeCreated; return }
        self = refusal(.cannotCreate(errno), at: above, aboveFacts)
        return
      }
      guard found.isDirectory else { self = refusal(.notADirectory, at: path, found); return }
      guard found.maySearch else { self = refusal(.cannotSearch, at: path, found); return }
      (above, aboveFacts) = (path, found)
    }
    let layout = StoreLayout(root: directory)
    let tops = [layout.blobs, layout.partials, layout.repositories]
    let below = [layout.blobs, layout.partials]
      .flatMap { top in Digest.Algorithm.allCases.map { "\(top)/\($0.rawValue)" } }
    for path in [directory] + tops + below {
      guard let found = facts(path) else { continue }
      guard found.isDirectory else { self = refusal(.notADirectory, at: path, found); return }
      if let errno = found.writeRefusal { self = refusal(.cannotWrite(errno), at: path, found); return }
    }
    self = .usable
  }

  /// `/a`, `/a/b` and `/a/b/c` of the last one.
  private static func prefixes(of path: String) -> [String] {
    path.split(separator: "/").reduce(into: []) { $0.append("\($0.last ?? "")/\($1)") }
  }
}

/// The user and group that a process acts as.
struct ProcessIdentity: Equatable, Sendable {
  let user: String
  let group: String
  let userID: uid_t
  let groupID: gid_t

  static var current: ProcessIdentity {
    let (user, group) = (geteuid(), getegid())
    return ProcessIdentity(user: name(ofUser: user), group: name(ofGroup: group), userID: user, groupID: group)
  }

  /// The user's name; the number where there is none.
  static func name(ofUser id: uid_t) -> String {
    getpwuid(id).flatMap { $0.pointee.pw_name.map { String(cString: $0) } } ?? "\(id)"
  }

  /// The group's name; the number where there is none.
  static func name(ofGroup id: gid_t) -> String {
    getgrgid(id).flatMap { $0.pointee.gr_name.map { String(cString: $0) } } ?? "\(id)"
  }
}

/// The owner and mode of what stands at a path, and what this process may do there.
struct DirectoryFacts: Equatable, Sendable {
  var isDirectory: Bool
  var owner: String
  var group: String
  var mode: mode_t
  var maySearch: Bool
  /// Why no entry can be made there; `nil` when it can.
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

  /// Looks at a path, with the rights of the effective user and group; `nil` when nothing is there.
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

/// The reason why a store cannot be used: who asks, whose the directory is, and what puts it right.
struct StoreRefusal: Error, Equatable, CustomStringConvertible {
  enum Problem: Equatable, Sendable {
    /// The store is missing and may not be made in the directory.
    case cannotCreate(Errno)
    case cannotWrite(Errno)
    case cannotSearch
    case notADirectory
  }

  let problem: Problem
  /// The directory that is to blame.
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
      "\(whose), and \(who) may not search it: choose another 'store.directory', or type as root: chmod a+x \(path)"
    case .cannotCreate: "\(store) is not there, \(whose), and \(who) may not write there; type as root: \(install)"
    case .cannotWrite where path == store: "\(whose), and \(who) may not write there; type as root: \(install)"
    case .cannotWrite:
      "\(whose), and \(who) may not write there; type as root: chown -R \(process.user):\(process.group) \(store)"
    }
  }

  private var who: String { "\(process.user) (uid \(process.userID), gid \(process.groupID))" }

  private var whose: String {
    guard let found else { return path }
    let digits = String(found.mode, radix: 8)
    let mode = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    return "\(path) belongs to \(found.owner):\(found.group) with mode \(mode)"
  }

  private var install: String { "install -d -o \(process.user) -g \(process.group) -m 2750 \(store)" }
}
