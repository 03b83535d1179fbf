internal import NginxTemplates
internal import RegistryHandler

/// Assembles the nginx templates for a configuration of the worker.
struct NginxConfiguration: Sendable {
  /// The way clients reach nginx.
  enum Listener: Equatable, Sendable {
    case http(address: String)
    case tls(certificate: String, key: String)
  }

  let configuration: Configuration

  /// Returns the upstream block that keeps connections to the worker, for the `http` block.
  func upstream() throws(Template.UnknownVariable) -> String {
    try Template(text: NginxTemplate.upstream)
      .filled(with: ["REGPROXY_WORKER_BLOCK": blockName, "REGPROXY_WORKER_ADDRESS": worker])
  }

  /// Returns the locations, for an `include` in an existing server block.
  /// - Parameter keepsConnections: true where the `http` block has the upstream block.
  func locations(keepsConnections: Bool) throws(Template.UnknownVariable) -> String {
    let fastcgi = try fastcgi(keepsConnections ? blockName : worker)
    let values = ["REGPROXY_FASTCGI": fastcgi, "REGPROXY_STORE": configuration.storeDirectory]
    let first = try [NginxTemplate.locations, NginxTemplate.store, NginxTemplate.errors]
      .map { (text) throws(Template.UnknownVariable) -> String in try Template(text: text).filled(with: values) }
    let others = try configuration.upstreamTable.names.map { (name) throws(Template.UnknownVariable) -> String in
      try Template(text: NginxTemplate.prefixLocation)
        .filled(with: ["REGPROXY_FASTCGI": fastcgi, "REGPROXY_UPSTREAM": name])
    }
    return (first + others).joined(separator: "\n")
  }

  /// Returns a complete server block, after the upstream block.
  /// - Parameter hasUpstream: false where another file has the upstream block.
  func server(
    _ listener: Listener,
    name: String,
    hasUpstream: Bool = true
  ) throws(Template.UnknownVariable) -> String {
    let tls =
      switch listener {
      case .http: ""
      case .tls(let certificate, let key):
        try Template(text: NginxTemplate.tls)
          .filled(with: ["REGPROXY_TLS_CERTIFICATE": certificate, "REGPROXY_TLS_KEY": key])
      }
    let listen =
      switch listener {
      case .http(let address): address
      case .tls: "443 ssl http2"
      }
    let probes = try Template(text: NginxTemplate.probes).filled(with: ["REGPROXY_FASTCGI": try fastcgi(blockName)])
    return try Template(text: NginxTemplate.server)
      .filled(with: [
        "REGPROXY_UPSTREAM_BLOCK": hasUpstream ? try upstream() : "",
        "REGPROXY_LISTEN": listen,
        "REGPROXY_SERVER_NAME": name,
        "REGPROXY_TLS": tls,
        "REGPROXY_LOCATIONS": try locations(keepsConnections: true) + "\n" + probes,
      ])
  }

  /// Returns a complete configuration that runs below a directory.
  /// - Parameter user: the user of nginx's workers if its master runs as root.
  func standalone(
    _ listener: Listener,
    name: String,
    prefix: String,
    user: String?
  ) throws(Template.UnknownVariable) -> String {
    try Template(text: NginxTemplate.standalone)
      .filled(with: [
        "REGPROXY_PREFIX": prefix,
        "REGPROXY_USER": user.map { "user \($0);" } ?? "",
        "REGPROXY_SERVER": try server(listener, name: name),
      ])
  }

  /// Returns the directives that every location of the worker repeats. Their reasons stay in the template.
  /// - Parameter worker: its address, or the name of the upstream block.
  private func fastcgi(_ worker: String) throws(Template.UnknownVariable) -> String {
    try Template(text: NginxTemplate.fastcgi).filled(with: ["REGPROXY_WORKER": worker])
      .split(separator: "\n").filter { !$0.hasPrefix("#") }.joined(separator: "\n")
  }

  /// The name of the upstream block, made of the address: several workers may stand behind one nginx.
  private var blockName: String {
    let address =
      switch configuration.listen {
      case .unix(let path): path
      case .tcp(let host, let port): "/\(host)/\(port)"
      }
    return "regproxy" + address.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? String($0) : "_" }.joined()
  }

  /// The address of the worker in the syntax of `fastcgi_pass`.
  private var worker: String {
    switch configuration.listen {
    case .unix(let path): "unix:\(path)"
    case .tcp(let host, let port): "\(host):\(port)"
    }
  }
}
