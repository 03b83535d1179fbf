@testable internal import RegistryHandler

extension FuzzInput {
  /// Checks three lines: the client's target, its host, upstream's `Link`.
  func checkLink() {
    let fields = fields(3)
    guard let link = NextPageLink(link: fields[2]) else { return }
    for (target, host) in [(fields[0], fields[1]), ("/v2/alpine/tags/list", ""), ("/v2/a/b/tags/list?ns=ghcr.io", "")] {
      guard let target = try? RequestTarget(target), let match = try? FuzzUpstreams.table.match(target, host: host)
      else {
        continue
      }
      check(link, match, host: host)
    }
  }

  private func check(_ link: NextPageLink, _ match: UpstreamTable.Match, host: String) {
    guard match.route.repository != nil, let header = link.header(for: match) else { return }
    expect(header.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }, "a Link is not valid in a header: \(header)")
    let end = ">; rel=\"next\""
    expect(header.hasPrefix("<") && header.hasSuffix(end), "a Link has another form: \(header)")
    let target = String(header.dropFirst().dropLast(end.count))
    expect(!target.contains(">"), "a Link ends early: \(header)")
    do throws(RouteError) {
      let next = try FuzzUpstreams.table.match(try RequestTarget(target), host: host)
      expectEqual(next.upstream.name, match.upstream.name, "\(target) leads to another upstream")
      expectEqual(next.route.repository, match.route.repository, "\(target) leads to another repository")
      expectEqual(next.route.kind, match.route.kind, "\(target) leads to something else")
    } catch .malformedQuery {
      // For example an invalid number of entries, which the client gets an error for.
    } catch {
      fatalError("\(target) cannot be requested: \(error)")
    }
  }
}
