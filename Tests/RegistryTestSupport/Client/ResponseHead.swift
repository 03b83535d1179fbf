import Foundation

/// The status line and headers of a response.
package struct ResponseHead: Sendable {
  package let status: Int
  package let reason: String
  package let headers: HeaderLines

  /// Parses a head without the empty line at its end.
  init(_ text: String) throws {
    var lines = text.components(separatedBy: "\r\n")[...]
    let words = (lines.popFirst() ?? "").split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
      throw MalformedResponse(what: "status line of \(text.prefix(200))")
    }
    self.status = status
    reason = words.count > 2 ? String(words[2]) : ""
    var headers = HeaderLines()
    for line in lines {
      guard let colon = line.firstIndex(of: ":") else { throw MalformedResponse(what: "header line \(line)") }
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      headers.append(String(line[..<colon]), String(value))
    }
    self.headers = headers
  }
}

/// A response that is not HTTP.
package struct MalformedResponse: Error {
  package let what: String
}

/// A connection that ended before a response.
package struct NoResponse: Error {
  package let cause: String
}
