internal import ArgumentParser

/// `regproxy-fcgi store`: inspects and manages the store.
struct StoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store",
    abstract: "Inspect and manage the store.",
    subcommands: [StoreList.self, StoreDiskUsage.self, StoreVerify.self, StoreRemove.self]
  )
}
