internal import ArgumentParser

/// `regproxy-fcgi store`: looks at the store by hand.
struct StoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store",
    abstract: "Look at what is kept.",
    subcommands: [StoreVerify.self]
  )
}
