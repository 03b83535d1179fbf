internal import RegistryHandler

/// The access of a process to the store's directory. The examination creates and changes no file.
enum StoreAccess: Equatable, Sendable {
  case usable
  /// The directory is missing, and this process may create it.
  case willBeCreated
  case refused(StoreRefusal)

  /// Examines the directory, the directories above it and the store's own directories in it.
  /// - Parameters:
  ///   - directory: an absolute path.
  ///   - facts: returns the facts about a path; `nil` if nothing is there.
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

  /// Returns `/a`, `/a/b` and `/a/b/c` for `/a/b/c`.
  private static func prefixes(of path: String) -> [String] {
    path.split(separator: "/").reduce(into: []) { $0.append("\($0.last ?? "")/\($1)") }
  }
}
