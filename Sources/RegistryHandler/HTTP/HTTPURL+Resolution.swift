extension HTTPURL {
  /// Resolves a reference, such as the value of `Location`, against this URL; `nil` if the result is not a usable URL.
  ///
  /// <https://www.rfc-editor.org/rfc/rfc3986#section-5.2>
  package func resolving(_ reference: String) -> HTTPURL? {
    guard !reference.isEmpty, reference.utf8.allSatisfy(\.isVisible) else { return nil }
    if Self.hasScheme(reference) { return HTTPURL(reference) }
    if reference.hasPrefix("//") { return HTTPURL("\(scheme.rawValue):\(reference)") }
    guard !reference.utf8.contains(UInt8(ascii: "#")) else { return nil }
    if reference.hasPrefix("?") { return replacingTarget(path + reference) }
    let queryStart = reference.firstIndex(of: "?") ?? reference.endIndex
    let referencePath = reference[..<queryStart]
    let merged =
      referencePath.hasPrefix("/")
      ? String(referencePath)
      : String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) + "/" + referencePath
    return replacingTarget(Self.removingDotSegments(merged) + reference[queryStart...])
  }

  private static func hasScheme(_ reference: String) -> Bool {
    guard let colon = reference.firstIndex(of: ":"), reference.utf8.first?.isLetter == true else { return false }
    return reference[..<colon].utf8.allSatisfy {
      $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
    }
  }

  private static func removingDotSegments(_ path: String) -> String {
    var output: [Substring] = []
    let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    for (index, segment) in zip(segments.indices, segments) {
      let isLast = index == segments.index(before: segments.endIndex)
      switch segment {
      case ".": if isLast { output.append("") }
      case "..":
        _ = output.popLast()
        if isLast { output.append("") }
      default: output.append(segment)
      }
    }
    return "/" + output.joined(separator: "/")
  }
}
