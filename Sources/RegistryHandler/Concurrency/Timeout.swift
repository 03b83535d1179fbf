/// Runs an operation for at most a time; `nil` when it took longer, and is cancelled.
package func withTimeout<Value: Sendable>(
  _ limit: Duration,
  _ operation: @escaping @Sendable () async -> Value
) async -> Value? {
  await withTaskGroup(of: Value?.self) { group in
    group.addTask { await operation() }
    group.addTask {
      try? await Task.sleep(for: limit)
      return nil
    }
    let first = await group.next()
    group.cancelAll()
    return first ?? nil
  }
}
