internal import ArgumentParser

/// The option for the configuration file.
struct ConfigurationOptions: ParsableArguments {
  @Option(
    name: .customLong("config"),
    help: "The configuration file. Default: $REGPROXY_CONFIG, else \(Configuration.defaultPath) if it exists.",
    completion: .file(extensions: ["yaml", "yml"])
  )
  var path: String?

  /// Reads the configuration; an invalid one ends the program with its error.
  func load() throws -> Configuration {
    do throws(ConfigurationError) {
      return try Configuration.load(path: path)
    } catch {
      throw ExitCode.failure(error.description, .configuration)
    }
  }
}
