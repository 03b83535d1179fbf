internal import Logging

@testable internal import RegistryHandler

extension FillContext {
  /// The context of fills in a store without limits.
  static func forTests(_ store: Store) -> FillContext {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    return FillContext(
      store: store,
      evictor: Evictor(store, StoreLimits(), logger: logger, now: { 0 }),
      executor: .forTests,
      redirects: RedirectCache(now: { 0 }, wallClock: { 0 }),
      failures: StoreFailures(logger: logger, now: { 0 }),
      logger: logger
    )
  }
}
