import Foundation

/// A real forward proxy, tinyproxy, which wants credentials.
package final class ConnectProxy: Sendable {
  package let port: Int
  private let log: String
  private let process: ManagedProcess

  /// The targets of the connections that it has made, such as `127.0.0.1:5000`.
  package var targets: [String] {
    let lines = ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").split(separator: "\n")
    return lines.filter { $0.contains("): CONNECT ") }
      .compactMap { line in line.split(separator: " ").last { $0.contains(":") && $0.contains(".") }.map(String.init) }
  }

  private init(port: Int, log: String, process: ManagedProcess) {
    self.port = port
    self.log = log
    self.process = process
  }

  package static func start(
    username: String,
    password: String,
    in directory: TemporaryDirectory
  ) async throws -> ConnectProxy {
    let port = try makeFreePort()
    let log = directory.path("tinyproxy.log")
    let configuration = try directory.write(
      """
      Port \(port)
      Listen 127.0.0.1
      Timeout 600
      LogFile "\(log)"
      LogLevel Connect
      MaxClients 200
      BasicAuth \(username) \(password)
      """,
      to: "tinyproxy.conf"
    )
    let process = try await ManagedProcess.start(
      ProcessLaunch("tinyproxy", ["-d", "-c", configuration]),
      name: "tinyproxy",
      in: directory.path
    )
    let client = HTTPClient(port: port)
    try await eventually("tinyproxy responds") { (try? await client.get("/").status) != nil }
    return ConnectProxy(port: port, log: log, process: process)
  }
}
