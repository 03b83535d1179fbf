/// A pattern of repository names: `*` matches any number of bytes, `/` included, and `?` matches one.
package struct GlobPattern: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ pattern: String) { description = pattern }

  package func matches(_ text: String) -> Bool {
    let pattern = Array(description.utf8)
    let text = Array(text.utf8)
    var (p, t) = (0, 0)
    var retry: (pattern: Int, text: Int)?
    while t < text.count {
      if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
        retry = (p + 1, t)
        p += 1
      } else if p < pattern.count, pattern[p] == text[t] || pattern[p] == UInt8(ascii: "?") {
        (p, t) = (p + 1, t + 1)
      } else if let (nextPattern, star) = retry {
        retry = (nextPattern, star + 1)
        (p, t) = (nextPattern, star + 1)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
