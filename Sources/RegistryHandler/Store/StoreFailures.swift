package import Logging
internal import Synchronization

/// Counts what the store would not take, and says so once a minute at most.
package final class StoreFailures: Sendable {
  private let total = Atomic<UInt64>(0)
  private let throttle = LogThrottle()
  private let logger: Logger
  private let now: @Sendable () -> Int64

  /// - Parameter now: the monotonic clock, in seconds.
  package init(logger: Logger, now: @escaping @Sendable () -> Int64) {
    self.logger = logger
    self.now = now
  }

  /// How often something was not kept.
  package var count: UInt64 { total.load(ordering: .relaxed) }

  package func note(_ reason: String, _ metadata: Logger.Metadata) {
    total.add(1, ordering: .relaxed)
    guard throttle.isDue(at: .seconds(now())) else { return }
    logger.error(
      "the store takes no blobs: they are streamed and not kept",
      metadata: metadata.merging(["error": "\(reason)"]) { _, new in new }
    )
  }
}
