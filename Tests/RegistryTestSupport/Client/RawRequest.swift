/// A request exactly as sent: nothing is checked, encoded or added.
package struct RawRequest: Sendable {
  package var method: String
  /// The second word of the request line: a path, an absolute URL, or anything else a test sends.
  package var target: String
  package var headers: HeaderLines
  package var body: [UInt8] = []

  package init(_ method: String, _ target: String, headers: HeaderLines) {
    self.method = method
    self.target = target
    self.headers = headers
  }

  var bytes: [UInt8] {
    var text = "\(method) \(target) HTTP/1.1\r\n"
    for line in headers { text += "\(line.name): \(line.value)\r\n" }
    return Array((text + "\r\n").utf8) + body
  }
}
