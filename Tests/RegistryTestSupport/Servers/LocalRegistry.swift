import Foundation

/// A real docker-registry of Debian, with images pushed by skopeo.
package final class LocalRegistry: Sendable {
  /// The names and digests of a pushed image.
  package struct Image: Sendable {
    package let repository: String
    package let tag: String
    package let manifest: String
    /// The digests of the layers and of the configuration.
    package let blobs: [String]
  }

  /// The way in which the registry authenticates its clients.
  package enum Authentication: Sendable {
    /// Names and passwords in a file of Apache's format, asked for by Basic.
    case passwords(TokenServer.Account)
    case tokens(TokenServer)
  }

  package let port: Int
  private let process: ManagedProcess

  private init(port: Int, process: ManagedProcess) {
    self.port = port
    self.process = process
  }

  /// Starts the registry.
  /// - Parameters:
  ///   - storage: where the registry stores blobs and redirects clients to; by default its own files.
  ///   - authentication: without it, everybody may pull and push.
  package static func start(
    in directory: TemporaryDirectory,
    storage: ObjectStorage? = nil,
    authentication: Authentication? = nil
  ) async throws -> LocalRegistry {
    let auth =
      switch authentication {
      case nil: ""
      case .passwords(let account): try await passwordFile(for: account, in: directory)
      case .tokens(let tokens):
        "auth: {token: {realm: \"\(tokens.realm)\", service: \(TokenServer.service), issuer: \(TokenServer.issuer), "
          + "rootcertbundle: \(tokens.certificatePath)}}"
      }
    let port = try makeFreePort()
    let driver =
      storage.map { storage in
        "{s3: {accesskey: tests, secretkey: \(ObjectStorage.secretKey), region: us-east-1, "
          + "regionendpoint: \"http://127.0.0.1:\(storage.port)\", bucket: \(ObjectStorage.bucket), secure: false, "
          + "v4auth: true, forcepathstyle: true, chunksize: 5242880}}"
      } ?? "{filesystem: {rootdirectory: \(directory.path("registry"))}}"
    let config = try directory.write(
      """
      version: 0.1
      log: {accesslog: {disabled: false}}
      storage: \(driver)
      http: {addr: 127.0.0.1:\(port)}
      \(auth)
      """,
      to: "registry.yml"
    )
    let process = try await ManagedProcess.start(
      ProcessLaunch("docker-registry", ["serve", config]),
      name: "registry",
      in: directory.path
    )
    let registry = LocalRegistry(port: port, process: process)
    let client = HTTPClient(port: port)
    let expected = authentication == nil ? 200 : 401
    try await eventually("docker-registry responds") { (try? await client.get("/v2/").status) == expected }
    return registry
  }

  private static func passwordFile(
    for account: TokenServer.Account,
    in directory: TemporaryDirectory
  ) async throws -> String {
    let line = try await ManagedProcess.run(
      ProcessLaunch("htpasswd", ["-Bbn", account.username, account.password]),
      in: directory
    )
    return "auth: {htpasswd: {realm: registry.test, path: \(try directory.write(line, to: "htpasswd"))}}"
  }

  /// Creates an image with layers of these sizes in bytes, and pushes it unchanged.
  /// - Parameter account: that may push; `nil` for a registry where everybody may.
  package func push(
    _ repository: String,
    tag: String,
    layers: [Int],
    by account: TokenServer.Account? = nil,
    in directory: TemporaryDirectory
  ) async throws -> Image {
    let layout = try directory.makeDirectory("image-\(tag)")
    let blobs = try directory.makeDirectory("image-\(tag)/blobs/sha256")
    func put(_ bytes: [UInt8], _ type: String) throws -> (json: String, digest: String) {
      let digest = sha256Digest(of: bytes)
      try Data(bytes).write(to: URL(fileURLWithPath: "\(blobs)/\(digest.dropFirst("sha256:".count))"))
      return (#"{"mediaType":"\#(type)","digest":"\#(digest)","size":\#(bytes.count)}"#, digest)
    }
    let parts = try layers.enumerated().map { index, size in
      try put(DeterministicBytes.make(count: size, seed: UInt64(index + 1)), "application/vnd.oci.image.layer.v1.tar")
    }
    let ids = parts.map { "\"\($0.digest)\"" }.joined(separator: ",")
    let config = try put(
      Array(#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[\#(ids)]}}"#.utf8),
      "application/vnd.oci.image.config.v1+json"
    )
    let type = "application/vnd.oci.image.manifest.v1+json"
    let layersJSON = parts.map(\.json).joined(separator: ",")
    let manifest = try put(
      Array(#"{"schemaVersion":2,"mediaType":"\#(type)","config":\#(config.json),"layers":[\#(layersJSON)]}"#.utf8),
      type
    )
    let named = #"\#(manifest.json.dropLast()),"annotations":{"org.opencontainers.image.ref.name":"\#(tag)"}}"#
    try directory.write(#"{"schemaVersion":2,"manifests":[\#(named)]}"#, to: "image-\(tag)/index.json")
    try directory.write(#"{"imageLayoutVersion":"1.0.0"}"#, to: "image-\(tag)/oci-layout")
    try await ManagedProcess.run(
      ProcessLaunch(
        "skopeo",
        [
          "copy", "-q", "--preserve-digests", "--dest-tls-verify=false", "oci:\(layout):\(tag)",
          "docker://127.0.0.1:\(port)/\(repository):\(tag)",
        ] + (account.map { ["--dest-creds", "\($0.username):\($0.password)"] } ?? [])
      ),
      in: directory
    )
    return Image(
      repository: repository,
      tag: tag,
      manifest: manifest.digest,
      blobs: parts.map(\.digest) + [config.digest]
    )
  }

  /// Returns how many times a blob was sent, by the access log.
  package func gets(of digest: String) -> Int {
    process.output.split(separator: "\n").count { $0.contains("\"GET /v2/") && $0.contains("/blobs/\(digest) HTTP") }
  }
}
