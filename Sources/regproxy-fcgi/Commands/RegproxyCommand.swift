internal import ArgumentParser

/// The command line.
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

/// Where the configuration is.
struct ConfigurationOptions: ParsableArguments {
  @Option(
    name: .customLong("config"),
    help:
      "The configuration file. Else REGPROXY_CONFIG names it, or it is \(Configuration.defaultPath) if that exists.",
    completion: .file(extensions: ["yaml", "yml"])
  )
  var path: String?

  /// Reads the configuration; a bad one ends the program with its complaint.
  func load() throws -> Configuration {
    do throws(ConfigurationError) {
      return try Configuration.load(path: path)
    } catch {
      throw ExitCode.failure(error.description, .configuration)
    }
  }
}
