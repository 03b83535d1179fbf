extension Int64 {
  /// Returns the sum, or the nearest value that can be represented: sizes come from outside.
  func addingClamped(_ other: Int64) -> Int64 {
    let (sum, hasOverflowed) = addingReportingOverflow(other)
    return hasOverflowed ? (other > 0 ? .max : .min) : sum
  }

  /// Returns the difference, or the nearest value that can be represented.
  func subtractingClamped(_ other: Int64) -> Int64 {
    let (difference, hasOverflowed) = subtractingReportingOverflow(other)
    return hasOverflowed ? (other < 0 ? .max : .min) : difference
  }
}
