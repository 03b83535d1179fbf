internal import ArgumentParser
internal import Glibc
internal import RegistryHandler

extension ConfigurationOptions {
  /// Opens the existing store; if there is none, the program ends with an error.
  func openStore() throws -> Store {
    let directory = try load().storeDirectory
    guard access("\(directory)/blobs", R_OK | X_OK) == 0 else {
      throw ExitCode.failure("no readable store in \(directory): choose another 'store.directory'", .noInput)
    }
    do {
      return try Store(directory: directory)
    } catch {
      throw ExitCode.failure("\(error)", .system)
    }
  }
}
