import Foundation
import Synchronization

/// The proxy as users run it: the real worker behind a real nginx.
package final class ProxyStack: Sendable {
  /// The ways in which a worker gets its socket.
  package enum Launch: String, Sendable, CaseIterable {
    /// A socket that the worker opens itself, by `listen:`.
    case standalone
    /// A socket that spawn-fcgi passes as descriptor 0.
    case spawnFCGI
    /// A socket of the test, passed as descriptor 0.
    case inherited
  }

  package let directory: TemporaryDirectory
  package let client: HTTPClient
  private let launch: Launch
  private let binary: String
  private let listener: UnixListener?
  private let nginx: ManagedProcess
  /// The started workers, which live as long as the stack even if the test drops them.
  private let workers = Mutex<[ManagedProcess]>([])

  package var logFile: String { directory.path("worker.log") }
  package var store: String { directory.path("store") }
  private var configFile: String { directory.path("worker.yaml") }

  /// Writes the configurations and starts nginx; the test starts the worker.
  /// - Parameters:
  ///   - yaml: the worker's configuration except socket, log and store.
  ///   - limits: the keys of the store except its directory.
  ///   - keepsConnections: whether nginx keeps connections to the worker.
  ///   - nginxSeesBlobs: whether nginx finds the files that it has to send; otherwise they look just evicted.
  package init(
    _ yaml: String,
    launch: Launch = .standalone,
    limits: String = "",
    keepsConnections: Bool = true,
    nginxSeesBlobs: Bool = true,
    in directory: TemporaryDirectory
  ) async throws {
    self.directory = directory
    self.launch = launch
    binary = try Executable.worker()
    listener = launch == .inherited ? try UnixListener(path: directory.path("worker.sock")) : nil
    try Self.write(yaml, limits: limits, to: directory)
    let port = try makeFreePort()
    client = HTTPClient(port: port)
    let prefix = try directory.makeDirectory("nginx")
    var config = try await ManagedProcess.run(
      ProcessLaunch(
        binary,
        [
          "nginx-config", "--config", directory.path("worker.yaml"), "--standalone", "--prefix", prefix, "--http",
          "127.0.0.1:\(port)",
        ]
      ),
      in: directory
    )
    if !keepsConnections { config = config.replacingOccurrences(of: "keepalive 32;", with: "") }
    if !nginxSeesBlobs {
      config = config.replacingOccurrences(of: "\(directory.path("store"))/blobs/", with: "\(prefix)/none/")
    }
    try directory.write(config, to: "nginx/nginx.conf")
    nginx = try await ManagedProcess.start(
      ProcessLaunch("nginx", ["-p", prefix, "-c", "\(prefix)/nginx.conf", "-e", "stderr", "-g", "daemon off;"]),
      name: "nginx",
      in: directory.path
    )
  }

  /// Starts the proxy with a worker, and waits until the worker responds.
  package static func start(
    _ yaml: String,
    launch: Launch = .standalone
  ) async throws -> (stack: ProxyStack, worker: ManagedProcess) {
    let stack = try await ProxyStack(yaml, launch: launch, in: TemporaryDirectory())
    return (stack, try await stack.startWorker())
  }

  /// Writes a configuration of the worker.
  package static func write(_ yaml: String, limits: String = "", to directory: TemporaryDirectory) throws {
    let socket = """
      listen: \(directory.path("worker.sock"))
      socket_mode: "0666"
      log: {level: debug, file: \(directory.path("worker.log"))}
      store: {directory: \(directory.path("store"))\(limits.isEmpty ? "" : ", \(limits)")}

      """
    try directory.write(socket + yaml, to: "worker.yaml")
  }

  /// Starts a worker and waits until it responds.
  /// - Parameter descriptors: the worker's descriptor limit; by default that of the tests.
  package func startWorker(
    name: String = "worker",
    environment: [String: String] = [:],
    descriptors: Int? = nil
  ) async throws -> ManagedProcess {
    let arguments = ["serve", "--config", configFile]
    var launch: ProcessLaunch
    switch self.launch {
    case .standalone: launch = ProcessLaunch(binary, arguments)
    case .spawnFCGI:
      let socket = ["-n", "-s", directory.path("worker.sock"), "-M", "0666", "-b", "1024", "--"]
      launch = ProcessLaunch("spawn-fcgi", socket + [binary] + arguments)
    case .inherited:
      launch = ProcessLaunch(binary, arguments)
      launch.standardInput = listener?.descriptor
    }
    if let descriptors {
      launch.arguments = ["--nofile=\(descriptors)", launch.executable] + launch.arguments
      launch.executable = "prlimit"
    }
    launch.environment = environment
    let worker = try await ManagedProcess.start(launch, name: name, in: directory.path)
    workers.withLock { $0.append(worker) }
    try await eventually("the worker responds") {
      guard worker.isRunning else {
        throw ProcessFailure(launch: launch, exit: worker.exitIfOver, output: worker.diagnostics)
      }
      return (try? await client.get("/_regproxy/healthz").status) == 200
    }
    return worker
  }

  /// Starts a second worker on the socket and stops the first, which only finishes its streams.
  package func handOver(from first: ManagedProcess) async throws -> ManagedProcess {
    let second = try await startWorker(name: "second")
    first.terminate()
    try await eventually("the first stops accepting") { log.contains("\"worker stops\"") }
    return second
  }

  /// Runs a `store` command with the worker's configuration.
  package func runStoreCommand(_ arguments: String...) async throws -> (
    exit: ManagedProcess.Exit, output: String, errors: String
  ) {
    let command = ["store", arguments[0], "--config", configFile] + arguments.dropFirst()
    let name = "store-\(UInt32.random(in: 0...(.max)))"
    let process = try await ManagedProcess.start(ProcessLaunch(binary, command), name: name, in: directory.path)
    let exit = try await process.waitForExit()
    return (exit, process.output, process.errors)
  }

  // MARK: - Observation

  package var log: String { (try? String(contentsOfFile: logFile, encoding: .utf8)) ?? "" }

  package var nginxErrors: String {
    (try? String(contentsOfFile: directory.path("nginx/error.log"), encoding: .utf8)) ?? ""
  }

  /// Returns the log lines of requests with this reference, a digest or a tag.
  package func logLines(reference: String) -> [[String: String]] {
    logLines.filter { $0["message"] == "request" && $0["registry.reference"] == reference }
  }

  package var logLines: [[String: String]] {
    log.split(separator: "\n").compactMap { try? JSONDecoder().decode([String: String].self, from: Data($0.utf8)) }
  }

  /// Returns whether a message was logged, and at most once a minute.
  package func saysOnceAMinute(_ message: String) throws -> Bool {
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    let times = try logLines.filter { $0["message"]?.contains(message) == true }
      .map { try style.parse($0["timestamp"] ?? "") }
    // The worker counts whole seconds.
    return !times.isEmpty && zip(times, times.dropFirst()).allSatisfy { $1.timeIntervalSince($0) > 58 }
  }

  /// Waits for the log line of a response, and returns it.
  package func logLine(of exchange: HTTPExchange) async throws -> [String: String] {
    let id = exchange.headers["X-Request-Id"]
    return try await eventuallyValue("a log line of request \(id ?? "-")") {
      logLines.first { $0["message"] == "request" && $0["http.request_id"] == id }
    }
  }

  /// Waits until the worker has no download: one that has just ended may still serve the next client.
  package func waitForDownloads() async throws {
    try await eventually("no download is left") {
      try await client.get("/_regproxy/metrics").text.contains("\nregproxy_fills 0\n")
    }
  }

  /// Returns the inodes of all workers' connections of nginx.
  package func connections() throws -> Set<String> {
    // A connection has the path of the listening socket, whose own state is 1.
    // <https://man7.org/linux/man-pages/man5/proc.5.html>
    let path = directory.path("worker.sock")
    var inodes: Set<String> = []
    for line in try String(contentsOfFile: "/proc/net/unix", encoding: .utf8).split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count == 8, fields[5] != "01", fields[7] == path else { continue }
      inodes.insert(String(fields[6]))
    }
    return inodes
  }

  /// Returns whether a worker has neither a connection of nginx nor a file of the store open.
  package func isIdle(_ worker: ManagedProcess) throws -> Bool {
    let files = "/proc/\(worker.pid)/fd"
    let targets = try FileManager.default.contentsOfDirectory(atPath: files)
      .compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(files)/\($0)") }
    return try connections().isEmpty && !targets.contains { $0.hasPrefix(store) }
  }

  /// Returns the digests under `blobs/`; throws if a file's content does not match its name.
  package func storedBlobs() throws -> Set<String> {
    var digests: Set<String> = []
    for name in FileManager.default.enumerator(atPath: "\(store)/blobs")?.compactMap({ $0 as? String }) ?? [] {
      let parts = name.split(separator: "/")
      guard parts.count == 3 else { continue }
      let digest = try sha256Digest(ofFile: "\(store)/blobs/\(name)")
      guard digest == "\(parts[0]):\(parts[2])" else { throw WrongFile(name: name, digest: digest) }
      digests.insert(digest)
    }
    return digests
  }

  /// A file of the store whose content does not match its name.
  package struct WrongFile: Error {
    package let name: String
    package let digest: String
  }

  /// Returns the path of a blob's file.
  package func path(of digest: String) -> String {
    let hex = digest.dropFirst("sha256:".count)
    return "\(store)/blobs/sha256/\(hex.prefix(2))/\(hex)"
  }
}
