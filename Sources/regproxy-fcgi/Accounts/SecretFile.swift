internal import FoundationEssentials
internal import Glibc

/// A file with a password.
enum SecretFile {
  /// The reason why a file is not used; it contains no part of the file.
  struct Refusal: Error, Equatable, CustomStringConvertible {
    let description: String
  }

  /// The longest password, in bytes: tokens of cloud providers have some kilobytes.
  private static let maximumSize = 64 << 10

  /// Returns the path of a file: a name without a slash is a credential of systemd.
  /// <https://systemd.io/CREDENTIALS/>
  static func path(of name: String, environment: [String: String]) throws(Refusal) -> String {
    if name.hasPrefix("/") { return name }
    guard !name.contains("/"), name != ".", name != ".." else {
      throw Refusal(description: "'\(name)' is neither an absolute path nor the name of a systemd credential")
    }
    guard let directory = environment["CREDENTIALS_DIRECTORY"], !directory.isEmpty else {
      throw Refusal(
        description: "'\(name)' is the name of a systemd credential, but there is no CREDENTIALS_DIRECTORY: "
          + "use 'LoadCredential=', or an absolute path"
      )
    }
    return "\(directory)/\(name)"
  }

  /// Reads a password: the file without its final line break. A file that every user can read or write is refused.
  static func password(at path: String) throws(Refusal) -> String {
    // Without O_NONBLOCK, a named pipe would keep the start waiting.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw Refusal(description: "\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw Refusal(description: "\(path) is not a regular file")
    }
    guard status.st_mode & 0o006 == 0 else {
      throw Refusal(description: "\(path) can be read or changed by every user: run chmod o-rwx \(path)")
    }
    var bytes = [UInt8](repeating: 0, count: maximumSize + 1)
    let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    guard (0...maximumSize).contains(count) else {
      throw Refusal(description: "\(path) is not a password of at most \(maximumSize) bytes")
    }
    guard var text = String(validating: bytes.prefix(count), as: UTF8.self) else {
      throw Refusal(description: "\(path) is not UTF-8 text")
    }
    if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
    guard !text.isEmpty else { throw Refusal(description: "\(path) is empty") }
    return text
  }
}
