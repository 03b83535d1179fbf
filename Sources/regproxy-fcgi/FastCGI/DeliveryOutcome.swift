/// The outcome of sending a response.
enum DeliveryOutcome: Equatable, Sendable {
  case complete
  /// The client disconnected before the end.
  case clientLeft
  /// The response was cut off: the promised body is not available.
  case brokenOff(String)
}
