extension IPAddress {
  /// True if the address is on the public Internet: not of this host, of a private network or reserved.
  ///
  /// <https://www.iana.org/assignments/iana-ipv4-special-registry>,
  /// <https://www.iana.org/assignments/iana-ipv6-special-registry>
  package var isPublic: Bool {
    // The translated address counts, because the packets go there.
    if let embedded { return embedded.isPublic }
    return !Self.specialNetworks.contains { $0.contains(self) }
  }

  /// The embedded IPv4 address that a translator extracts (NAT64, 6to4).
  private var embedded: IPAddress? {
    if bits >> 32 == 0x0064_ff9b << 64 { return IPAddress(ipv4: UInt32(truncatingIfNeeded: bits)) }
    if bits >> 112 == 0x2002 { return IPAddress(ipv4: UInt32(truncatingIfNeeded: bits >> 80)) }
    return nil
  }

  private static let specialNetworks: [IPNetwork] = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4",
    // The first has the unspecified address, loopback and the deprecated form of IPv4 in IPv6.
    "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7",
    "fe80::/10", "fec0::/10", "ff00::/8",
  ].compactMap(IPNetwork.init)
}
