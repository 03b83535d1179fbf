internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct HTTP2Tests {
    /// More than the 128 streams that nginx allows on one connection.
    private static let downloads = 135

    @Test func `a manifest is served while more downloads are open than one connection has streams`() async throws {
      let registry = try await TLSRegistry.start(rate: 1000)
      let digests = try (0..<Self.downloads).map {
        try registry.addBlob(DeterministicBytes.make(count: 100_000, seed: UInt64($0)), to: "library/app")
      }
      try registry.addManifest("{\"schemaVersion\":2}", to: "library/app", tag: "v1")
      let (stack, worker) = try await ProxyStack.start(
        """
        upstreams:
          docker.io: {endpoints: ["https://127.0.0.1:\(registry.port)"], ca_file: \(registry.certificate)}
        """
      )
      var downloads: [OpenExchange] = []
      // One after another: on a busy machine so many handshakes at once may exceed the connect time-out.
      for digest in digests {
        let download = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
        #expect(try await download.head().status == 200)
        downloads.append(download)
      }
      #expect(try await stack.client.get("/v2/app/manifests/v1").status == 200)
      try await eventually("the request is logged") {
        stack.logLines(reference: "v1").map { $0["http.outcome"] } == ["complete"]
      }
      for digest in digests { #expect(stack.logLines(reference: digest).isEmpty) }
      #expect(registry.protocols == ["HTTP/1.1"])
      for download in downloads { download.leave() }
      await worker.stop()
    }
  }
}
