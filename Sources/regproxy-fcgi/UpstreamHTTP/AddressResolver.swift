internal import Glibc
internal import RegistryHandler

/// A source of the addresses of hosts.
protocol AddressResolver: Sendable {
  /// Returns the addresses of a host in the order to try them; throws an error of kind `.unreachable` if none exist.
  func addresses(of host: String) async throws(UpstreamError) -> [IPAddress]
}

/// Resolves names by the system: its hosts file, its name servers.
struct SystemResolver: AddressResolver {
  /// The number of threads: a silent name server holds one for the whole time-out of the system's resolver.
  private static let threadCount = 32

  private let flights = SingleFlight<String, Result<[IPAddress], UpstreamError>>(
    executor: BlockingExecutor(threadCount: threadCount)
  )

  func addresses(of host: String) async throws(UpstreamError) -> [IPAddress] {
    try await flights.value(for: host, onCancel: .cancelled) { Self.lookUp(host) }
  }

  /// Looks a host up. Blocks.
  private static func lookUp(_ host: String) -> Result<[IPAddress], UpstreamError> {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_ADDRCONFIG
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, nil, &hints, &list)
    guard status == 0 else {
      return .failure(
        UpstreamError(.unreachable, "the name \(host) cannot be resolved: \(String(cString: gai_strerror(status)))")
      )
    }
    defer { freeaddrinfo(list) }
    var addresses: [IPAddress] = []
    var next = list
    while let entry = next?.pointee {
      if let address = numeric(entry).flatMap({ IPAddress($0) }) { addresses.append(address) }
      next = entry.ai_next
    }
    return .success(addresses)
  }

  /// Returns the address of an entry in numeric form.
  private static func numeric(_ entry: addrinfo) -> Substring? {
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let status = getnameinfo(
      entry.ai_addr,
      entry.ai_addrlen,
      &text,
      socklen_t(text.count),
      nil,
      0,
      NI_NUMERICHOST
    )
    guard status == 0 else { return nil }
    // The zone of a link-local address is not part of the address.
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).prefix { $0 != "%" }
  }
}
