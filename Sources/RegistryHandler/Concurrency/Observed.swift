internal import NIOConcurrencyHelpers

/// A changing value, and the tasks that wait until it satisfies their conditions.
package final class Observed<Value: Sendable>: Sendable {
  private struct Waiter {
    let isSatisfied: @Sendable (Value) -> Bool
    let continuation: CheckedContinuation<Value?, Never>
  }

  private struct State {
    var value: Value
    var waiters: [Int: Waiter] = [:]
    /// The waiters that were cancelled before they began to wait.
    var cancelled: Set<Int> = []
    var nextWaiter = 0
  }

  // Not a Mutex: it is handed over from thread to thread, which is slow when a thousand waiters wake together.
  private let state: NIOLockedValueBox<State>

  package init(_ value: Value) { state = NIOLockedValueBox(State(value: value)) }

  package var value: Value { state.withLockedValue { $0.value } }

  /// The number of waiting tasks.
  var waiterCount: Int { state.withLockedValue(\.waiters.count) }

  /// Changes the value and wakes the tasks whose conditions hold now.
  package func update(_ change: (inout Value) -> Void) {
    let (value, satisfied) = state.withLockedValue { state -> (Value, [CheckedContinuation<Value?, Never>]) in
      change(&state.value)
      var satisfied: [CheckedContinuation<Value?, Never>] = []
      var others: [Int: Waiter] = [:]
      for (id, waiter) in state.waiters {
        if waiter.isSatisfied(state.value) { satisfied.append(waiter.continuation) } else { others[id] = waiter }
      }
      state.waiters = others
      return (state.value, satisfied)
    }
    for continuation in satisfied { continuation.resume(returning: value) }
  }

  /// Returns the value as soon as it satisfies the condition; `nil` if the task is cancelled first.
  package func first(where isSatisfied: @escaping @Sendable (Value) -> Bool) async -> Value? {
    let (value, id) = state.withLockedValue { state -> (Value?, Int) in
      if isSatisfied(state.value) { return (state.value, 0) }
      state.nextWaiter += 1
      return (nil, state.nextWaiter)
    }
    if let value { return value }
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        wait(Waiter(isSatisfied: isSatisfied, continuation: continuation), id: id)
      }
    } onCancel: {
      cancel(id)
    }
    // Cancelled between the wake-up and here: no other code removes the mark.
    if Task.isCancelled { state.withLockedValue { _ = $0.cancelled.remove(id) } }
    return result
  }

  private func wait(_ waiter: Waiter, id: Int) {
    let (isWaiting, value) = state.withLockedValue { state -> (Bool, Value?) in
      if state.cancelled.remove(id) != nil { return (false, nil) }
      if waiter.isSatisfied(state.value) { return (false, state.value) }
      state.waiters[id] = waiter
      return (true, nil)
    }
    if !isWaiting { waiter.continuation.resume(returning: value) }
  }

  private func cancel(_ id: Int) {
    let waiter = state.withLockedValue { state -> Waiter? in
      guard let waiter = state.waiters.removeValue(forKey: id) else {
        state.cancelled.insert(id)
        return nil
      }
      return waiter
    }
    waiter?.continuation.resume(returning: nil)
  }
}
