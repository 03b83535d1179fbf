internal import SystemPackage
internal import Testing

@testable internal import regproxy_fcgi

struct StoreAccessTests {
  private static let process = ProcessIdentity(user: "regproxy", group: "www-data", userID: 999, groupID: 33)
  private static let roots = DirectoryFacts(owner: "root", group: "root", mode: 0o755, writeRefusal: .permissionDenied)
  private static let own = DirectoryFacts(owner: "regproxy", group: "www-data", mode: 0o2750)
  private static let install = "run as root: install -d -o regproxy -g www-data -m 2750 /var/store"

  struct Row: Sendable {
    let found: [String: DirectoryFacts]
    let refusal: String?
    let access: StoreAccess?

    /// - Parameter found: the paths below `/`; `/` itself belongs to root.
    init(_ found: [String: DirectoryFacts], _ access: StoreAccess) {
      self.found = found
      self.access = access
      refusal = nil
    }

    init(_ found: [String: DirectoryFacts], _ refusal: String) {
      self.found = found
      self.refusal = refusal
      access = nil
    }
  }

  private static func facts(_ adjust: (inout DirectoryFacts) -> Void) -> DirectoryFacts {
    var facts = roots
    adjust(&facts)
    return facts
  }

  @Test(
    arguments: [
      Row(["/var": roots, "/var/store": own], .usable),
      Row(["/var": roots, "/var/store": own, "/var/store/blobs": own, "/var/store/blobs/sha256": own], .usable),
      Row(["/var": own], .willBeCreated),
      Row(
        [:],
        "/var/store does not exist, / belongs to root:root with mode 0755, \(who) may not write there; \(install)"
      ),
      Row(
        ["/var": roots],
        "/var/store does not exist, /var belongs to root:root with mode 0755, \(who) may not write there; \(install)"
      ),
      Row(
        ["/var": roots, "/var/store": facts { $0.mode = 0o2750 }],
        "/var/store belongs to root:root with mode 2750, \(who) may not write there; \(install)"
      ),
      Row(
        ["/var": roots, "/var/store": own, "/var/store/partial/sha256": facts { $0.mode = 0o50 }],
        "/var/store/partial/sha256 belongs to root:root with mode 0050, \(who) may not write there; "
          + "run as root: chown -R regproxy:www-data /var/store"
      ),
      Row(
        ["/var": facts { ($0.mode, $0.maySearch) = (0o700, false) }, "/var/store": own],
        "/var belongs to root:root with mode 0700, \(who) may not search it: choose another 'store.directory', "
          + "or run as root: chmod a+x /var"
      ),
      Row(
        ["/var": facts { $0.isDirectory = false }],
        "/var is not a directory: remove it, or choose another 'store.directory'"
      ),
      Row(
        ["/var": roots, "/var/store": own, "/var/store/blobs": facts { $0.isDirectory = false }],
        "/var/store/blobs is not a directory: remove it, or choose another 'store.directory'"
      ),
      Row(
        ["/var": roots, "/var/store": facts { $0.writeRefusal = .readOnlyFileSystem }],
        "/var/store is on a read-only file system: mount it for writing, or choose another 'store.directory'"
      ),
      Row(
        ["/var": facts { $0.writeRefusal = .readOnlyFileSystem }],
        "/var is on a read-only file system: mount it for writing, or choose another 'store.directory'"
      ),
    ]
  )
  func `access follows from owners and modes, and a refusal names the remedy`(_ row: Row) {
    let access = StoreAccess(to: "/var/store", by: Self.process) { row.found[$0] ?? ($0 == "/" ? Self.roots : nil) }
    if let expected = row.access { #expect(access == expected) }
    if let sentence = row.refusal {
      guard case .refused(let refusal) = access else {
        Issue.record("the store is not refused: \(access)")
        return
      }
      #expect(refusal.description == sentence)
    }
  }

  private static let who = "and regproxy (uid 999, gid 33)"
}
