/// Sizes in bytes as people read them.
enum ByteCount {
  /// Returns a size in decimal units, as in `store.max_size`, with about three digits: `3.62 MB`.
  static func text(_ bytes: Int64) -> String {
    let units = ["B", "KB", "MB", "GB", "TB", "PB"]
    var (value, unit) = (Double(bytes), 0)
    while value >= 999.5, unit < units.count - 1 { (value, unit) = (value / 1000, unit + 1) }
    if unit == 0 { return "\(bytes) B" }
    let scale = value < 9.995 ? 100.0 : value < 99.95 ? 10 : 1
    let rounded = (value * scale).rounded() / scale
    return scale == 1 ? "\(Int(rounded)) \(units[unit])" : "\(rounded) \(units[unit])"
  }
}
