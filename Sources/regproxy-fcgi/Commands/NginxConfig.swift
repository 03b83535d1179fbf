internal import ArgumentParser
internal import Glibc
internal import RegistryHandler

/// `regproxy-fcgi nginx-config`: prints nginx's configuration.
struct NginxConfig: ParsableCommand {
  /// The extent of the output.
  enum Form: String, EnumerableFlag {
    case server
    case locations
    case standalone
    case upstream

    static func help(for form: Form) -> ArgumentHelp? {
      switch form {
      case .server: "A complete server block, for conf.d (the default)."
      case .locations: "Only the locations, to include in an existing server block."
      case .upstream: "Only the upstream block that keeps connections to the worker, for conf.d."
      case .standalone: "A complete nginx.conf that runs without privileges below --prefix."
      }
    }
  }

  static let configuration = CommandConfiguration(
    commandName: "nginx-config",
    abstract: "Print the nginx configuration that matches the worker's configuration."
  )

  @OptionGroup var options: ConfigurationOptions

  @Flag var form: Form = .server

  @Flag(help: "Use the upstream block that --upstream prints, for locations or a further server block.")
  var keepalive = false

  @Option(help: ArgumentHelp("Serve plain HTTP on this address.", valueName: "address:port"))
  var http: String?

  @Option(help: ArgumentHelp("Serve TLS with this certificate chain (PEM).", valueName: "file"))
  var tlsCert: String?

  @Option(help: ArgumentHelp("The certificate's key (PEM).", valueName: "file"))
  var tlsKey: String?

  @Option(
    help: ArgumentHelp("The names of the server. Default: the domain and all its subdomains.", valueName: "names")
  )
  var serverName: String?

  @Option(help: ArgumentHelp("The directory below which --standalone runs.", valueName: "directory"))
  var prefix: String?

  func run() throws {
    let configuration = try options.load()
    let nginx = NginxConfiguration(configuration: configuration)
    guard form == .locations || form == .server || !keepalive else {
      throw ExitCode.failure("--keepalive goes with --locations or --server", .usage)
    }
    let name = serverName ?? configuration.domain.map { "\($0) *.\($0)" } ?? "_"
    do {
      switch form {
      case .upstream: print(try nginx.upstream())
      case .locations: print(try nginx.locations(keepsConnections: keepalive))
      case .server: print(try nginx.server(try listener(), name: name, hasUpstream: !keepalive))
      case .standalone:
        guard let prefix = prefix.flatMap({ Configuration.absolutePath($0) }) else {
          throw ExitCode.failure(
            "--standalone requires --prefix with an absolute path without spaces or quotes",
            .usage
          )
        }
        // nginx started as root has to read the files of a worker started as root.
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
        throw ExitCode.failure("--http '\(address)' is not an address: use ADDRESS:PORT", .usage)
      }
      return .http(address: address)
    case (nil, let certificate?, let key?):
      guard let certificate = Configuration.absolutePath(certificate), let key = Configuration.absolutePath(key) else {
        throw ExitCode.failure("--tls-cert and --tls-key require absolute paths without spaces or quotes", .usage)
      }
      return .tls(certificate: certificate, key: key)
    case (nil, nil, nil): return .http(address: "127.0.0.1:5000")
    default: throw ExitCode.failure("use either --http, or both --tls-cert and --tls-key", .usage)
    }
  }
}
