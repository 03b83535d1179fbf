internal import ArgumentParser
internal import Glibc
internal import RegistryHandler

/// `regproxy-fcgi nginx-config`: prints what nginx needs to know.
struct NginxConfig: ParsableCommand {
  enum Form: String, EnumerableFlag {
    case server
    case locations
    case standalone

    static func help(for form: Form) -> ArgumentHelp? {
      switch form {
      case .server: "A whole server block, for conf.d (the default)."
      case .locations: "Only the locations, to include in a server block that exists."
      case .standalone: "A complete nginx.conf that runs without privileges below --prefix."
      }
    }
  }

  static let configuration = CommandConfiguration(
    commandName: "nginx-config",
    abstract: "Print the nginx configuration that fits this configuration of the worker."
  )

  @OptionGroup var options: ConfigurationOptions

  @Flag var form: Form = .server

  @Option(help: ArgumentHelp("Serve plain HTTP on this address.", valueName: "address:port"))
  var http: String?

  @Option(help: ArgumentHelp("Serve TLS with this certificate chain (PEM).", valueName: "file"))
  var tlsCert: String?

  @Option(help: ArgumentHelp("The certificate's key (PEM).", valueName: "file"))
  var tlsKey: String?

  @Option(help: ArgumentHelp("The names of the server; default: the domain and all below it.", valueName: "names"))
  var serverName: String?

  @Option(help: ArgumentHelp("The directory below which --standalone runs.", valueName: "directory"))
  var prefix: String?

  func run() throws {
    let configuration = try options.load()
    let nginx = NginxConfiguration(configuration: configuration)
    let name = serverName ?? configuration.domain.map { "\($0) *.\($0)" } ?? "_"
    do {
      switch form {
      case .locations: print(try nginx.locations())
      case .server: print(try nginx.server(try listener(), name: name))
      case .standalone:
        guard let prefix = prefix.flatMap({ Configuration.absolutePath($0) }) else {
          throw ExitCode.failure("--standalone needs --prefix with an absolute path without spaces or quotes", .usage)
        }
        // Whoever starts nginx as root wants it to read what the worker, started alike, has written.
        let user = getuid() == 0 ? "root" : nil
        print(try nginx.standalone(try listener(), name: name, prefix: prefix, user: user))
      }
    } catch let error as Template.UnknownVariable {
      throw ExitCode.failure(error.description, .system)
    }
  }

  private func listener() throws -> NginxConfiguration.Listener {
    switch (http, tlsCert, tlsKey) {
    case (let address?, nil, nil):
      guard address.utf8.allSatisfy({ $0.isLetter || $0.isDigit || ".:[]*-".utf8.contains($0) }) else {
        throw ExitCode.failure("--http \(address) is no address: use ADDRESS:PORT", .usage)
      }
      return .http(address: address)
    case (nil, let certificate?, let key?):
      guard let certificate = Configuration.absolutePath(certificate), let key = Configuration.absolutePath(key) else {
        throw ExitCode.failure("--tls-cert and --tls-key need absolute paths without spaces or quotes", .usage)
      }
      return .tls(certificate: certificate, key: key)
    case (nil, nil, nil): return .http(address: "127.0.0.1:5000")
    default: throw ExitCode.failure("give either --http, or both --tls-cert and --tls-key", .usage)
    }
  }
}
