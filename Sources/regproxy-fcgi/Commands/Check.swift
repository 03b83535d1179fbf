internal import ArgumentParser
internal import Glibc
internal import HTTPTypes
internal import RegistryHandler

/// `regproxy-fcgi check`: tests everything that serving needs, and reports problems. It creates no file.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check configuration, store, socket and upstreams.",
    discussion: "Exits with 0 if all checks pass, 78 if the configuration is invalid, 69 if another check fails."
  )

  @OptionGroup var options: ConfigurationOptions

  @Flag(help: "Contact no upstream.")
  var offline = false

  @Flag(help: "Print the findings as JSON, one object per line.")
  var json = false

  func run() throws {
    let configuration = try options.load()
    var hasPassed = true
    report("configuration", .ok(), &hasPassed)
    report("store \(configuration.storeDirectory)", storeFinding(configuration), &hasPassed)
    report("listen", Finding(socketProblem(configuration)), &hasPassed)
    for upstream in configuration.upstreams where upstream.account != nil {
      let isOpen = upstream.clients.isEmpty && upstream.allow.isEmpty
      let note = isOpen ? "every client gets what it may pull: restrict them with 'clients', or it with 'allow'" : ""
      report("account of \(upstream.name)", .ok(note: note), &hasPassed)
    }
    if !offline {
      for (name, problem) in upstreamProblems(configuration) {
        report("upstream \(name)", Finding(problem), &hasPassed)
      }
    }
    if !hasPassed { throw ExitCode(ExitStatus.unavailable.rawValue) }
  }

  private enum Finding {
    /// A passed check, perhaps with a remark.
    case ok(note: String = "")
    case failed(String)

    init(_ problem: String?) { self = problem.map { .failed($0) } ?? .ok() }
  }

  private struct Line: Encodable {
    let check: String
    let result: String
    let problem: String
    let note: String
  }

  private func report(_ check: String, _ finding: Finding, _ hasPassed: inout Bool) {
    let (result, problem, note) =
      switch finding {
      case .ok(let note): ("ok", "", note)
      case .failed(let problem): ("failed", problem, "")
      }
    if case .failed = finding { hasPassed = false }
    if json {
      JSONLines.print(Line(check: check, result: result, problem: problem, note: note))
    } else if problem.isEmpty {
      print("ok     \(check)\(note.isEmpty ? "" : " (\(note))")")
    } else {
      print("FAILED \(check): \(problem)")
    }
  }

  private func storeFinding(_ configuration: Configuration) -> Finding {
    switch StoreAccess(to: configuration.storeDirectory) {
    case .refused(let refusal): return .failed(refusal.description)
    case .willBeCreated: return .ok(note: "will be created")
    case .usable: return Self.spaceFinding(configuration)
    }
  }

  private static func spaceFinding(_ configuration: Configuration) -> Finding {
    let directory = configuration.storeDirectory
    guard let free = FileSystem().freeSpace(at: directory) else { return .ok() }
    guard free > 0 else {
      return .failed("no space is left on its file system: make room, or choose another 'store.directory'")
    }
    guard let least = configuration.storeLimits.minFree, free < least else { return .ok() }
    return .ok(
      note: "\(ByteCount.text(free)) are free, less than 'store.min_free': a blob is stored if others can be evicted"
    )
  }

  private func socketProblem(_ configuration: Configuration) -> String? {
    switch configuration.listen {
    case .tcp(let host, let port):
      return host == "127.0.0.1" || host == "localhost" ? nil : ListenError.notLoopback("\(host):\(port)").description
    case .unix(let path):
      let limit = 107
      if path.utf8.count > limit { return ListenError.pathTooLong(path, limit: limit).description }
      let directory = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
      return access(String(directory) + "/", W_OK | X_OK) == 0
        ? nil : "the directory \(directory)/ does not exist or is not writable: create it, or choose another 'listen:'"
    }
  }

  private func upstreamProblems(_ configuration: Configuration) -> [(name: String, problem: String?)] {
    let client = HTTPUpstreamClient()
    let results = Blocking.wait {
      let results = await withTaskGroup(of: (String, String?).self) { group in
        for upstream in configuration.upstreams {
          group.addTask { (upstream.name.description, await Self.ping(upstream, client)) }
        }
        return await group.reduce(into: [(String, String?)]()) { $0.append($1) }
      }
      await client.shutDown()
      return results
    }
    return results.sorted { $0.0 < $1.0 }.map { (name: $0.0, problem: $0.1) }
  }

  private static func ping(_ upstream: Upstream, _ client: HTTPUpstreamClient) async -> String? {
    for endpoint in upstream.endpoints {
      let url = upstream.url(for: .ping, at: endpoint)
      do throws(UpstreamError) {
        let response = try await client.execute(
          UpstreamRequest(method: .get, url: url, caFile: upstream.caFile, proxy: upstream.proxies.proxy(for: url))
        )
        await response.body.discard()
        guard response.status == 200 || response.status == 401 else { return "\(url) responds with \(response.status)" }
      } catch {
        return error.reason
      }
    }
    return nil
  }
}
