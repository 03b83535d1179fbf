internal import Synchronization

/// A bounded map whose entries expire, each at its own time.
package final class ExpiringCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct Entry {
    let value: Value
    /// The time of the monotonic clock, in seconds.
    let expiry: Int64
  }

  private let capacity: Int
  private let entries = Mutex<[Key: Entry]>([:])
  private let now: @Sendable () -> Int64

  /// Creates an empty cache.
  /// - Parameters:
  ///   - capacity: the maximum number of entries; a full cache drops the expired ones, else all.
  ///   - now: the monotonic clock, in seconds.
  package init(capacity: Int, now: @escaping @Sendable () -> Int64) {
    self.capacity = capacity
    self.now = now
  }

  package subscript(key: Key) -> Value? {
    let now = now()
    return entries.withLock { entries in
      guard let entry = entries[key], now < entry.expiry else { return nil }
      return entry.value
    }
  }

  /// Stores a value for a key.
  /// - Parameter lifetime: in seconds; an entry without any is not stored.
  package func insert(_ value: Value, for key: Key, lifetime: Int64) {
    guard lifetime > 0 else { return }
    let now = now()
    entries.withLock { entries in
      if entries.count >= capacity { entries = entries.filter { now < $0.value.expiry } }
      if entries.count >= capacity { entries.removeAll() }
      entries[key] = Entry(value: value, expiry: now + lifetime)
    }
  }

  package func removeValue(for key: Key) { entries.withLock { _ = $0.removeValue(forKey: key) } }

  /// Removes the value of a key if it is still the expected one.
  package func removeValue(for key: Key, where isExpected: (Value) -> Bool) {
    entries.withLock { entries in
      if let entry = entries[key], isExpected(entry.value) { entries[key] = nil }
    }
  }
}
