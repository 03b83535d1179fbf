@testable internal import RegistryHandler

extension BlockingExecutor {
  /// The executor of all tests: its threads never end.
  static let forTests = BlockingExecutor()
}
