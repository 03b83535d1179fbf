/// The proxies for URLs of one upstream; pure.
package struct ProxyRules: Hashable, Sendable {
  private enum Exception: Hashable, Sendable {
    case everything
    case host(HostPattern)
    case network(IPNetwork)

    /// Parses an item of `NO_PROXY`; `nil` for what is no host and no network.
    init?(_ text: String) {
      let name =
        text.hasPrefix("*.") ? String(text.dropFirst(2)) : text.hasPrefix(".") ? String(text.dropFirst()) : text
      if text == "*" {
        self = .everything
      } else if let network = IPNetwork(name) {
        self = .network(network)
      } else if let host = HostPattern(name) {
        self = .host(host)
      } else {
        return nil
      }
    }

    func matches(_ url: HTTPURL) -> Bool {
      switch self {
      case .everything: true
      case .host(let pattern): pattern.matches(url)
      case .network(let network): IPAddress(url.host).map(network.contains) ?? false
      }
    }
  }

  private var proxies: [HTTPURL.Scheme: ForwardProxy] = [:]
  private var exceptions: [Exception] = []
  /// True where the operator wrote the proxy down for the upstream, so that it is also used for this host.
  private var isForLoopback = false

  /// The rules without a proxy.
  package static let direct = ProxyRules()

  private init() {}

  /// Creates the rules of one proxy for all URLs.
  package init(_ proxy: ForwardProxy) {
    proxies = [.http: proxy, .https: proxy]
    isForLoopback = true
  }

  /// Creates the rules of the usual variables.
  /// - Parameters:
  ///   - https: the proxy for https URLs.
  ///   - http: the proxy for http URLs.
  ///   - exceptions: the value of `NO_PROXY`: hosts with their subdomains, networks, or `*`, separated by commas.
  package init(https: ForwardProxy?, http: ForwardProxy?, exceptions: String) {
    proxies[.https] = https
    proxies[.http] = http
    self.exceptions = exceptions.split { $0 == "," || $0 == " " }.compactMap { Exception(String($0)) }
  }

  /// Returns the proxy for a URL; `nil` where the host is contacted itself.
  package func proxy(for url: HTTPURL) -> ForwardProxy? {
    guard let proxy = proxies[url.scheme], !exceptions.contains(where: { $0.matches(url) }) else { return nil }
    return isForLoopback || !Self.isLoopback(url.host) ? proxy : nil
  }

  private static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" { return true }
    return IPAddress(host).map { address in
      [IPNetwork("127.0.0.0/8"), IPNetwork("::1")].contains { $0?.contains(address) == true }
    } ?? false
  }
}
