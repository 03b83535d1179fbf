@testable internal import RegistryHandler

extension BlockingExecutor {
  /// One for all tests: its threads never end.
  static let forTests = BlockingExecutor()
}
