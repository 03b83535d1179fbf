internal import FoundationEssentials

/// A name and a password; no description contains the password.
package struct Credentials: Hashable, Sendable {
  package let username: String
  private let password: String

  /// Creates credentials; `nil` if the Basic scheme cannot carry them.
  /// <https://www.rfc-editor.org/rfc/rfc7617#section-2>
  package init?(username: String, password: String) {
    guard !username.isEmpty, !username.utf8.contains(UInt8(ascii: ":")),
      (username + password).utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
    else { return nil }
    self.username = username
    self.password = password
  }

  /// The value of `Authorization`.
  package var authorization: String { "Basic \(encoded)" }

  /// Name and password as the Basic scheme encodes them.
  package var encoded: String { Data("\(username):\(password)".utf8).base64EncodedString() }
}

extension Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "the credentials of \(username)" }

  package var debugDescription: String { description }

  package var customMirror: Mirror { Mirror(self, children: ["username": username]) }
}
