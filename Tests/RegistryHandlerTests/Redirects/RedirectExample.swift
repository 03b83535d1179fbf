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

  /// What the redirect was an answer to, and what it said.
  func redirect() throws -> UpstreamRedirect {
    try #require(cells.count == 5)
    let asked = cells[1].split(separator: " ")
    let location: String? =
      switch cells[2] {
      case "none": nil
      case "empty": ""
      default: Self.unquoted(cells[2])
      }
    return UpstreamRedirect(
      status: try #require(Int(cells[0])),
      location: location,
      content: asked.first == "manifest" ? .document : .blob,
      endpoint: try Values.url(cells[1].contains("http://r.") ? "http://r.example" : "https://r.example"),
      requestURL: try Values.url(
        asked.last.map { Self.unquoted(String($0)) }.flatMap { $0.contains(":") ? $0 : nil } ?? Self.asked
      )
    )
  }

  /// The policies under which the row holds.
  func policies() throws -> [RedirectMode] {
    cells[3].isEmpty ? RedirectMode.allCases : [try #require(RedirectMode(rawValue: cells[3]))]
  }

  /// An action as the table writes it.
  static func text(_ action: RedirectAction) -> String {
    switch action {
    case .follow(let url, let target): "follow (\(target.rawValue)) `\(url)`"
    case .passThrough(let redirect, _): "client `\(redirect.location)`"
    case .refuse(let refusal): "502 \(refusal)"
    }
  }

  private static let asked = "https://r.example/v2/a/blobs/x"

  private static func unquoted(_ cell: String) -> String { cell.trimmingCharacters(in: ["`"]) }
}
