extension Int64 {
  /// The largest size: beyond any disk, yet small enough that sums of sizes do not overflow, in bytes.
  private static let maximumConfigurationSize: Int64 = 1 << 60

  /// Parses `500MB`, `100GB`, `2TiB`: a whole number with a unit, based on 1000 or 1024, in bytes.
  init?(configurationSize text: String) {
    let units: [String: Int64] = [
      "B": 1, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000,
      "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
    ]
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int64(digits), number > 0, let unit = units[String(text.dropFirst(digits.count))] else {
      return nil
    }
    let (bytes, overflows) = number.multipliedReportingOverflow(by: unit)
    guard !overflows, bytes <= Self.maximumConfigurationSize else { return nil }
    self = bytes
  }
}
