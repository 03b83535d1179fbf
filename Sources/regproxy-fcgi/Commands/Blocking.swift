internal import Dispatch
internal import Synchronization

/// Runs asynchronous work from a synchronous command.
enum Blocking {
  /// Waits for the result of an operation. Blocks: only for the main thread of a command.
  static func wait<Value: Sendable>(_ operation: @escaping @Sendable () async -> Value) -> Value {
    let result = ResultBox<Value>()
    let done = DispatchSemaphore(value: 0)
    Task {
      let value = await operation()
      result.value.withLock { $0 = value }
      done.signal()
    }
    while true {
      done.wait()
      if let value = result.value.withLock({ $0 }) { return value }
    }
  }

  private final class ResultBox<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
  }
}
