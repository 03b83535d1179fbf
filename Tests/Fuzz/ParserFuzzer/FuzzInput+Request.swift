internal import RegistryHandler

/// Upstreams of every kind: built in, and with a port, lists and hosts.
enum FuzzUpstreams {
  static let table: UpstreamTable = {
    var upstreams = Upstream.builtIn
    if let name = UpstreamName("corp.test:5000"), let url = HTTPURL("https://corp.test:5000/base") {
      var upstream = Upstream(name: name, endpoints: [url])
      upstream.hosts = ["corp.example.org"]
      upstream.allow = [GlobPattern("team/*")]
      upstream.deny = [GlobPattern("*-private")]
      upstreams.append(upstream)
    }
    return UpstreamTable(upstreams, domain: "example.com")
  }()
}

extension FuzzInput {
  /// Checks four lines: target, host, `Accept`, client address.
  func checkRequest() {
    let fields = fields(4)
    checkAccept(fields[2])
    checkAddress(fields[3])
    let table = FuzzUpstreams.table
    _ = table.isKnownHost(fields[1])
    do throws(RouteError) {
      let target = try RequestTarget(fields[0])
      checkSegments(of: target)
      _ = StatusEndpoint(segments: target.segments)
      check(try table.match(target, host: fields[1]), host: fields[1])
    } catch {
      let answer = RegistryError(error, upstreams: table.names)
      expect(answer.status == 400 || answer.status == 404, "\(error) has status \(answer.status)")
      let isPrintable = answer.message.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
      expect(
        isPrintable && answer.message.utf8.count < 1000,
        "an error message is not printable, or too long: \(answer.message)"
      )
    }
  }

  private func checkSegments(of target: RequestTarget) {
    for segment in target.segments.dropLast() { expect(!segment.isEmpty, "a segment is empty") }
    for segment in target.segments {
      expect(segment != "." && segment != "..", "a segment leads elsewhere")
      expect(segment.utf8.allSatisfy { $0.isVisible && $0 != UInt8(ascii: "%") }, "a segment is encoded")
    }
    for (name, value) in target.query.parameters {
      expectEqual((try? Query("\(name.percentEncoded)=\(value.percentEncoded)"))?[name], value, "a parameter changes")
    }
  }

  private func check(_ match: UpstreamTable.Match, host: String) {
    let route = match.route
    expectPathsInStore(match.upstream.name, route)
    if let repository = route.repository {
      expectEqual(RepositoryName(repository.description), repository, "a repository name is invalid when parsed again")
      _ = match.upstream.permits(repository)
    }
    expectEqual(parsed(route.target), route, "a route changes when its target is parsed")
    // A link for the client has to lead back to the same match.
    let again = target(of: match)
    do throws(RouteError) {
      let second = try FuzzUpstreams.table.match(try RequestTarget(again), host: host)
      expectEqual(second.upstream.name, match.upstream.name, "\(again) leads to another upstream")
      expectEqual(second.route, route, "\(again) leads elsewhere")
    } catch {
      fatalError("\(again) cannot be requested: \(error)")
    }
  }

  private func parsed(_ target: String) -> Route? {
    guard let target = try? RequestTarget(target) else { return nil }
    return try? Route(segments: target.segments.dropFirst(), query: target.query)
  }

  /// Returns the target by which a client requests a match again.
  private func target(of match: UpstreamTable.Match) -> String {
    let target = match.route.target
    let separator = target.contains("?") ? "&" : "?"
    let rest = match.rule == .namespace ? "\(target)\(separator)ns=\(match.upstream.name)" : target
    return switch match.clientPrefix {
    case .none: rest
    case .beforeVersion(let name): "/\(name)\(rest)"
    case .insideVersion(let name): "/v2/\(name)\(rest.dropFirst("/v2".count))"
    }
  }

  private func checkAccept(_ value: String) {
    let accept = AcceptHeader(value)
    let sent = accept.upstreamValue
    expect(sent.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }, "upstream's Accept is not valid in a header: \(sent)")
    expectEqual(AcceptHeader(sent).upstreamValue, sent, "upstream's Accept changes when parsed again")
    expect(accept.variant == .any || MediaType.indexTypes.allSatisfy { !accept.accepts($0) }, "an index is refused")
  }

  private func checkAddress(_ text: String) {
    guard let address = IPAddress(text) else { return }
    _ = address.isPublic
    expectEqual(IPAddress(address.description), address, "an address changes when parsed again")
    _ = RedirectRules().mode(for: address)
  }
}
