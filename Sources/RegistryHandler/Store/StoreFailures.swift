package import Logging
internal import Synchronization

/// The count of failures to store content, which are logged once a minute at most.
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

  /// The number of failures.
  package var count: UInt64 { total.load(ordering: .relaxed) }

  /// Counts a failure, and logs it unless another one was logged within a minute.
  package func note(_ reason: String, _ metadata: Logger.Metadata) {
    total.add(1, ordering: .relaxed)
    guard throttle.isDue(at: .seconds(now())) else { return }
    logger.error(
      "cannot store blobs; streaming without caching",
      metadata: metadata.merging(["error": "\(reason)"]) { _, new in new }
    )
  }
}
