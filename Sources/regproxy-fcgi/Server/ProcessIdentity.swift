internal import Glibc

/// The user and group whose rights a process has.
struct ProcessIdentity: Equatable, Sendable {
  let user: String
  let group: String
  let userID: uid_t
  let groupID: gid_t

  static var current: ProcessIdentity {
    let (user, group) = (geteuid(), getegid())
    return ProcessIdentity(user: name(ofUser: user), group: name(ofGroup: group), userID: user, groupID: group)
  }

  /// Returns the user's name, or the number if there is none.
  static func name(ofUser id: uid_t) -> String {
    getpwuid(id).flatMap { $0.pointee.pw_name.map { String(cString: $0) } } ?? "\(id)"
  }

  /// Returns the group's name, or the number if there is none.
  static func name(ofGroup id: gid_t) -> String {
    getgrgid(id).flatMap { $0.pointee.gr_name.map { String(cString: $0) } } ?? "\(id)"
  }
}
