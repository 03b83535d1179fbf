/// The record of a manifest in one repository. The bytes of the manifest are a blob.
package struct ManifestRecord: Codable, Equatable, Sendable {
  package var mediaType: String

  package init(mediaType: MediaType) { self.mediaType = mediaType.description }

  /// Parses a record as the store writes it, without the cost of a general parser: each cached manifest has a record.
  init?(compactJSON json: [UInt8]) {
    let (start, end) = (Array(#"{"mediaType":""#.utf8), Array(#""}"#.utf8))
    guard json.starts(with: start), json.count > start.count + end.count, json.suffix(end.count).elementsEqual(end)
    else { return nil }
    let text = json[start.count..<(json.count - end.count)]
    guard text.allSatisfy({ $0.isVisible && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) else { return nil }
    mediaType = String(decoding: text, as: UTF8.self)
  }
}
