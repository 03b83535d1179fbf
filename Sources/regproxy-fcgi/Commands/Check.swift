internal import ArgumentParser
internal import Glibc
internal import HTTPTypes
internal import RegistryHandler

/// `regproxy-fcgi check`: tries everything that serving needs, and says what is wrong.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check configuration, store, socket and upstreams.",
    discussion: "Exits with 0 when all is well, 78 when the configuration is wrong, 69 when something else is."
  )

  @OptionGroup var options: ConfigurationOptions

  @Flag(help: "Ask no upstream.")
  var offline = false

  @Flag(help: "Print the findings as JSON, one object a line.")
  var json = false

  func run() throws {
    let configuration = try options.load()
    var isWell = true
    report("configuration", nil, &isWell)
    report("store \(configuration.storeDirectory)", storeProblem(configuration), &isWell)
    report("listen", socketProblem(configuration), &isWell)
    if !offline {
      for (name, problem) in upstreamProblems(configuration) { report("upstream \(name)", problem, &isWell) }
    }
    if !isWell { throw ExitCode(ExitStatus.unavailable.rawValue) }
  }

  private func report(_ what: String, _ problem: String?, _ isWell: inout Bool) {
    if problem != nil { isWell = false }
    if json {
      let fields = [("check", what), ("result", problem == nil ? "ok" : "failed"), ("problem", problem ?? "")]
      let text = fields.map { "\"\($0.0)\":\"\($0.1.filter { $0 != "\"" && $0 != "\\" && $0 != "\n" })\"" }
      print("{\(text.joined(separator: ","))}")
    } else {
      print(problem.map { "FAILED \(what): \($0)" } ?? "ok     \(what)")
    }
  }

  private func storeProblem(_ configuration: Configuration) -> String? {
    do {
      try Store(directory: configuration.storeDirectory).probe()
      return nil
    } catch {
      return "\(error)"
    }
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
        ? nil : "the directory \(directory)/ is not there or cannot be written: make it, or choose another 'listen:'"
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
      let base = endpoint.target.hasSuffix("/") ? String(endpoint.target.dropLast()) : endpoint.target
      let url = endpoint.replacingTarget(base + Route.ping.target)
      do throws(UpstreamError) {
        let response = try await client.execute(UpstreamRequest(method: .get, url: url, caFile: upstream.caFile))
        await response.body.discard()
        guard response.status == 200 || response.status == 401 else { return "\(url) answers \(response.status)" }
      } catch {
        return error.reason
      }
    }
    return nil
  }
}
