import Foundation

/// Status line and headers of an answer.
package struct ResponseHead: Sendable {
  package let status: Int
  package let reason: String
  package let headers: HeaderLines

  /// Parses a head without the empty line that ends it.
  init(_ text: String) throws {
    var lines = text.components(separatedBy: "\r\n")[...]
    let words = (lines.popFirst() ?? "").split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
      throw MalformedAnswer(what: "status line of \(text.prefix(200))")
    }
    self.status = status
    reason = words.count > 2 ? String(words[2]) : ""
    var headers = HeaderLines()
    for line in lines {
      guard let colon = line.firstIndex(of: ":") else { throw MalformedAnswer(what: "header line \(line)") }
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      headers.append(String(line[..<colon]), String(value))
    }
    self.headers = headers
  }
}

/// An answer that is not HTTP.
package struct MalformedAnswer: Error {
  package let what: String
}

/// The connection ended before there was an answer.
package struct NoAnswer: Error {
  package let cause: String
}
