extension Int64 {
  /// The sum, or the nearest value there is: sizes come from outside.
  func addingClamped(_ other: Int64) -> Int64 {
    let (sum, hasOverflowed) = addingReportingOverflow(other)
    return hasOverflowed ? (other > 0 ? .max : .min) : sum
  }

  /// The difference, or the nearest value there is.
  func subtractingClamped(_ other: Int64) -> Int64 {
    let (difference, hasOverflowed) = subtractingReportingOverflow(other)
    return hasOverflowed ? (other < 0 ? .max : .min) : difference
  }
}
