import Crypto
import Foundation

/// A request whose signature is in its URL, and the rules by which S3 accepts it.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
package struct PresignedURL: Sendable {
  package enum Refusal: String, Equatable, Sendable {
    case twoMechanisms = "InvalidArgument"
    case wrongSignature = "SignatureDoesNotMatch"
    case expired = "AccessDenied"

    var status: Int { self == .twoMechanisms ? 400 : 403 }
    var code: String { rawValue }
  }

  private let head: RequestHead
  private let path: String
  private let parameters: [(name: String, value: String)]

  /// Parses a request; nil if its URL is not signed.
  init?(_ head: RequestHead) {
    guard let mark = head.target.firstIndex(of: "?"), head.target.contains("X-Amz-Signature=") else { return nil }
    self.head = head
    path = String(head.target[..<mark])
    parameters = head.target[mark...].dropFirst().split(separator: "&").map { item in
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      return (parts[0], parts.count > 1 ? parts[1] : "")
    }
  }

  private subscript(name: String) -> String { parameters.first { $0.name == name }?.value ?? "" }

  /// Returns S3's reason to refuse the request, or nil.
  func refusal(secretKey: String, now: Date) -> Refusal? {
    if head.headers.contains("Authorization") { return .twoMechanisms }
    guard self["X-Amz-Signature"] == signature(secretKey) else { return .wrongSignature }
    let format = DateFormatter()
    format.dateFormat = "yyyyMMdd'T'HHmmss'Z'"
    format.timeZone = TimeZone(identifier: "UTC")
    format.locale = Locale(identifier: "en_US_POSIX")
    guard let date = format.date(from: self["X-Amz-Date"]), let life = Double(self["X-Amz-Expires"]),
      now < date.addingTimeInterval(life)
    else { return .expired }
    return nil
  }

  /// Returns the signature of exactly this method, path, query and host.
  private func signature(_ secretKey: String) -> String {
    let query = parameters.filter { $0.name != "X-Amz-Signature" }
      .map { "\($0.name)=\($0.value)" }.sorted().joined(separator: "&")
    let request = [
      head.method, path, query, "host:\(head.headers["Host"] ?? "")", "", "host", "UNSIGNED-PAYLOAD",
    ].joined(separator: "\n")
    let scope = (self["X-Amz-Credential"].removingPercentEncoding ?? "").split(separator: "/").dropFirst()
    let text = [
      "AWS4-HMAC-SHA256", self["X-Amz-Date"], scope.joined(separator: "/"),
      SHA256.hash(data: Data(request.utf8)).hex,
    ].joined(separator: "\n")
    var key = SymmetricKey(data: Data("AWS4\(secretKey)".utf8))
    for part in scope {
      key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Data(part.utf8), using: key))
    }
    return Data(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key))
      .map { String(format: "%02x", $0) }.joined()
  }
}
