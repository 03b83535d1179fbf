import Foundation

/// A registry of static files in an nginx that offers HTTP/2 over TLS and sends blobs slowly.
package final class TLSRegistry: Sendable {
  package let port: Int
  /// The path of the certificate, which is its own authority.
  package let certificate: String
  private let directory: TemporaryDirectory
  private let nginx: ManagedProcess

  private init(port: Int, directory: TemporaryDirectory, nginx: ManagedProcess) {
    self.port = port
    self.directory = directory
    self.nginx = nginx
    certificate = directory.path("tls/certificate.pem")
  }

  /// Starts the registry.
  /// - Parameter rate: the speed of each blob, in bytes per second.
  package static func start(rate: Int) async throws -> TLSRegistry {
    let directory = try TemporaryDirectory()
    let port = try makeFreePort()
    let prefix = try directory.makeDirectory("tls")
    try await ManagedProcess.run(
      ProcessLaunch(
        "openssl",
        [
          "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=registry", "-addext",
          "subjectAltName=IP:127.0.0.1", "-keyout", "\(prefix)/key.pem", "-out", "\(prefix)/certificate.pem",
        ]
      ),
      in: directory
    )
    try directory.write(configuration(prefix: prefix, port: port, rate: rate), to: "tls/nginx.conf")
    let nginx = try await ManagedProcess.start(
      ProcessLaunch("nginx", ["-p", prefix, "-c", "\(prefix)/nginx.conf", "-e", "stderr", "-g", "daemon off;"]),
      name: "tls-nginx",
      in: directory.path
    )
    let registry = TLSRegistry(port: port, directory: directory, nginx: nginx)
    try await eventually("nginx agrees on HTTP/2") { try await registry.agreedProtocol() == "h2" }
    return registry
  }

  /// Returns the protocol that nginx chooses for a client with HTTP/2 and HTTP/1.1.
  private func agreedProtocol() async throws -> String? {
    let arguments = ["s_client", "-connect", "127.0.0.1:\(port)", "-alpn", "h2,http/1.1"]
    let output = try? await ManagedProcess.run(ProcessLaunch("openssl", arguments), in: directory)
    return output?.split(separator: "\n").first { $0.hasPrefix("ALPN protocol: ") }
      .map { String($0.dropFirst("ALPN protocol: ".count)) }
  }

  private static func configuration(prefix: String, port: Int, rate: Int) -> String {
    let temporary = ["client_body", "fastcgi", "proxy", "scgi", "uwsgi"].map { "\($0)_temp_path \(prefix)/\($0);" }
    return """
      worker_processes 1;
      pid \(prefix)/nginx.pid;
      error_log \(prefix)/error.log;
      events { worker_connections 1024; }
      http {
        \(temporary.joined(separator: " "))
        log_format protocol '$server_protocol';
        access_log \(prefix)/access.log protocol;
        default_type application/vnd.oci.image.manifest.v1+json;
        server {
          listen 127.0.0.1:\(port) ssl http2;
          ssl_certificate \(prefix)/certificate.pem;
          ssl_certificate_key \(prefix)/key.pem;
          root \(prefix)/root;
          location ~ /blobs/ { limit_rate \(rate); }
        }
      }
      """
  }

  /// Adds a blob, and returns its digest.
  package func addBlob(_ bytes: [UInt8], to repository: String) throws -> String {
    let digest = sha256Digest(of: bytes)
    try write(Data(bytes), to: "v2/\(repository)/blobs", as: digest)
    return digest
  }

  package func addManifest(_ json: String, to repository: String, tag: String) throws {
    try write(Data(json.utf8), to: "v2/\(repository)/manifests", as: tag)
  }

  private func write(_ data: Data, to path: String, as name: String) throws {
    let directory = try directory.makeDirectory("tls/root/\(path)")
    try data.write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
  }

  /// The protocols of all completed requests.
  package var protocols: Set<String> {
    let log = (try? String(contentsOfFile: directory.path("tls/access.log"), encoding: .utf8)) ?? ""
    return Set(log.split(separator: "\n").map(String.init))
  }
}
