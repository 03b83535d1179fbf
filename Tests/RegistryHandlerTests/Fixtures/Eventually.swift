/// A condition that did not come true in time.
struct ConditionNotMet: Error {}

/// Waits until the condition holds, for 30 seconds at most.
func eventually(_ condition: () throws -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(30)
  while try !condition() {
    guard .now < deadline else { throw ConditionNotMet() }
    try await Task.sleep(for: .milliseconds(2))
  }
}
