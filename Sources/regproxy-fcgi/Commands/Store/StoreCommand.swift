internal import ArgumentParser
internal import Glibc
internal import RegistryHandler

/// `regproxy-fcgi store`: looks at the store by hand.
struct StoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store",
    abstract: "Look at what is kept, and remove some of it.",
    subcommands: [StoreList.self, StoreDiskUsage.self, StoreVerify.self, StoreRemove.self]
  )
}

extension ConfigurationOptions {
  /// Opens the store that is there; where none is, the program ends with a complaint.
  func openStore() throws -> Store {
    let directory = try load().storeDirectory
    guard access("\(directory)/blobs", R_OK | X_OK) == 0 else {
      throw ExitCode.failure("there is no readable store in \(directory): name another in 'store.directory'", .noInput)
    }
    do {
      return try Store(directory: directory)
    } catch {
      throw ExitCode.failure("\(error)", .system)
    }
  }
}
