internal import Foundation
internal import Testing

@testable internal import RegistryHandler

/// A row of the table of examples in `docs/rules/redirects.md`.
struct RedirectExample: Sendable, CustomTestStringConvertible {
  let cells: [String]

  var testDescription: String { cells.joined(separator: " | ") }

  /// The rows, in their order.
  static let all: [RedirectExample] = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let document = (try? String(contentsOf: root.appending(path: "docs/rules/redirects.md"), encoding: .utf8)) ?? ""
    return document.components(separatedBy: "### Examples\n").dropFirst().first?
      .components(separatedBy: "\n#").first?
      .split(separator: "\n")
      .filter { $0.hasPrefix("|") }
      .dropFirst(2)
      .map { row in
        RedirectExample(
          cells: row.dropFirst().dropLast().components(separatedBy: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        )
      } ?? []
  }()

  /// Returns the redirect of the row: the request and the response.
  func redirect() throws -> UpstreamRedirect {
    try #require(cells.count == 5)
    let request = cells[1].split(separator: " ")
    let location: String? =
      switch cells[2] {
      case "none": nil
      case "empty": ""
      default: Self.unquoted(cells[2])
      }
    return UpstreamRedirect(
      status: try #require(Int(cells[0])),
      location: location,
      content: request.first == "manifest" ? .document : .blob,
      endpoint: try Values.url(cells[1].contains("http://r.") ? "http://r.example" : "https://r.example"),
      requestURL: try Values.url(
        request.last.map { Self.unquoted(String($0)) }.flatMap { $0.contains(":") ? $0 : nil } ?? Self.requested
      )
    )
  }

  /// Returns the modes for which the row holds.
  func modes() throws -> [RedirectMode] {
    cells[3].isEmpty ? RedirectMode.allCases : [try #require(RedirectMode(rawValue: cells[3]))]
  }

  /// Returns an action as the table writes it.
  static func text(_ action: RedirectAction) -> String {
    switch action {
    case .follow(let url, let target): "follow (\(target.rawValue)) `\(url)`"
    case .passThrough(let redirect, _): "client `\(redirect.location)`"
    case .refuse(let refusal): "502 \(refusal)"
    }
  }

  private static let requested = "https://r.example/v2/a/blobs/x"

  private static func unquoted(_ cell: String) -> String { cell.trimmingCharacters(in: ["`"]) }
}
