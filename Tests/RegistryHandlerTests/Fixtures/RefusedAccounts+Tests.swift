internal import Logging

@testable internal import RegistryHandler

extension RefusedAccounts {
  static var forTests: RefusedAccounts {
    RefusedAccounts(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: { 0 })
  }
}
