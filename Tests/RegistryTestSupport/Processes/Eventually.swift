extension Duration {
  /// The longest wait of a test: on a busy machine too, only a hang takes this long.
  package static var patience: Duration { .seconds(120) }
}

/// A condition that did not become true in time.
package struct ConditionNotMet: Error, CustomStringConvertible {
  package let what: String
  package let limit: Duration

  package var description: String { "waited \(limit) for: \(what)" }
}

/// Waits until a condition holds; throws after the limit.
package func eventually(
  _ what: String,
  within limit: Duration = .patience,
  _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  while true {
    if try await condition() { return }
    guard ContinuousClock.now < deadline else { throw ConditionNotMet(what: what, limit: limit) }
    try await Task.sleep(for: .milliseconds(10))
  }
}

/// Waits until there is a value, and returns it; throws after the limit.
package func eventuallyValue<Value>(
  _ what: String,
  within limit: Duration = .patience,
  _ value: () async throws -> Value?
) async throws -> Value {
  let deadline = ContinuousClock.now + limit
  while true {
    if let value = try await value() { return value }
    guard ContinuousClock.now < deadline else { throw ConditionNotMet(what: what, limit: limit) }
    try await Task.sleep(for: .milliseconds(10))
  }
}
