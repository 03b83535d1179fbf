/// The sender of a cached blob's bytes.
package enum Delivery: String, CaseIterable, Sendable {
  /// nginx, told by `X-Accel-Redirect`.
  case accelerated = "x-accel"
  /// The worker, where nginx cannot be given an internal location.
  case direct
}
