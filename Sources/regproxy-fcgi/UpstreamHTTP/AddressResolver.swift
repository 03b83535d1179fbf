internal import Glibc
internal import RegistryHandler

/// Finds the addresses of a host.
protocol AddressResolver: Sendable {
  /// The addresses of a name in the order they should be tried; throws an error of kind `.unreachable` when there are none.
  func addresses(of host: String) async throws(UpstreamError) -> [IPAddress]
}

/// Asks the system: its hosts file, its name servers.
struct SystemResolver: AddressResolver {
  /// Name servers that do not answer hold a thread each, for as long as the system is told to wait for them.
  private static let threadCount = 32

  private let flights = SingleFlight<String, Result<[IPAddress], UpstreamError>>(
    executor: BlockingExecutor(threadCount: threadCount)
  )

  func addresses(of host: String) async throws(UpstreamError) -> [IPAddress] {
    let result: Result<[IPAddress], UpstreamError>
    do {
      result = try await flights.value(for: host) { Self.lookUp(host) }
    } catch {
      throw .cancelled
    }
    return try result.get()
  }

  /// Blocks.
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
    for entry in sequence(first: list, next: { $0?.pointee.ai_next }).prefix(while: { $0 != nil }) {
      guard let entry = entry?.pointee, let address = numeric(entry).flatMap({ IPAddress($0) }) else { continue }
      addresses.append(address)
    }
    return .success(addresses)
  }

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
    // The zone of a link-local address is no part of it.
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).prefix { $0 != "%" }
  }
}
