/// Runs an operation until a deadline; cancels it then and returns `nil`.
package func withDeadline<Value: Sendable>(
  _ deadline: ContinuousClock.Instant,
  _ operation: @escaping @Sendable () async -> Value
) async -> Value? {
  await withTaskGroup(of: Value?.self) { group in
    group.addTask { await operation() }
    group.addTask {
      try? await Task.sleep(until: deadline, clock: .continuous)
      return nil
    }
    let first = await group.next()
    group.cancelAll()
    return first ?? nil
  }
}
