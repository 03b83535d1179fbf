internal import ArgumentParser

/// The command line of the program: its subcommands.
@main
struct RegproxyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "regproxy-fcgi",
    abstract: "Turns nginx into a pull-through proxy and cache for container registries.",
    version: Version.current,
    subcommands: [Serve.self, Check.self, NginxConfig.self, StoreCommand.self],
    defaultSubcommand: Serve.self
  )
}
