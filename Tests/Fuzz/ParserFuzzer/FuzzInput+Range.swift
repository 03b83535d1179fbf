internal import RegistryHandler

extension FuzzInput {
  /// Checks three lines: `Range`, the size of the content, `Content-Range`.
  func checkRange() {
    let fields = fields(3)
    for size in [Int64(fields[1]).map { max(0, $0) }, 0, 1, 1 << 40, .max].compactMap(\.self) {
      switch ByteRange(fields[0], size: size) {
      case .whole, .unsatisfiable: break
      case .part(let part):
        let isInside = part.lowerBound >= 0 && part.lowerBound < part.upperBound && part.upperBound <= size
        expect(isInside, "\(part) is not a range of \(size) bytes")
      }
    }
    guard let range = ContentRange(fields[2]) else { return }
    expect(range.part.lowerBound >= 0 && !range.part.isEmpty, "\(range.part) is not a range")
    if let size = range.size { expect(range.part.upperBound <= size, "\(range.part) is not a range of \(size) bytes") }
    let total = range.size.map { String($0) } ?? "*"
    expectEqual(
      ContentRange("bytes \(range.part.lowerBound)-\(range.part.upperBound - 1)/\(total)"),
      range,
      "a Content-Range changes when parsed again"
    )
  }
}
