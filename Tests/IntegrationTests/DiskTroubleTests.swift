internal import Foundation
internal import Glibc
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct DiskTroubleTests {
    private let registry: ScriptedRegistry
    private let directory: TemporaryDirectory
    private let bytes = DeterministicBytes.make(count: .megabytes(64), seed: 61)
    private let digest: String

    init() throws {
      registry = try ScriptedRegistry()
      directory = try TemporaryDirectory()
      digest = sha256Digest(of: bytes)
      registry.answerRanges("/v2/library/app/blobs/\(digest)", of: bytes) { .bytes($0) }
      registry.addManifest(#"{"schemaVersion":2}"#, to: "library/app", tag: "v1")
    }

    private func withDisk(_ options: String, _ body: (ProxyStack, SmallDisk) async throws -> Void) async throws {
      let disk = try await SmallDisk(at: directory.makeDirectory("store"), options: options, in: directory)
      do {
        let stack = try await ProxyStack(dockerHub(at: registry), in: directory)
        let worker = try await stack.startWorker()
        try await body(stack, disk)
        await worker.stop()
      } catch {
        try await disk.unmount()
        throw error
      }
      try await disk.unmount()
    }

    /// A reason for the store to refuse the blob.
    enum Refusal: CaseIterable { case fullDisk, limit }

    @Test(arguments: Refusal.allCases)
    func `clients of a second worker get the whole blob that the store refuses`(_ refusal: Refusal) async throws {
      let gate = Gate()
      registry.answerRanges("/v2/library/app/blobs/\(digest)", of: bytes) { [bytes] rest in
        rest.count == bytes.count ? .gated(rest, at: .megabytes(4), gate) : .bytes(rest)
      }
      let size = refusal == .fullDisk ? "size=8m" : "size=200m"
      let disk = try await SmallDisk(at: directory.makeDirectory("store"), options: size, in: directory)
      do {
        let stack = try await ProxyStack(
          dockerHub(at: registry),
          launch: .inherited,
          limits: refusal == .limit ? "max_size: 1MB" : "",
          in: directory
        )
        let first = try await stack.startWorker()
        let ofFirst = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
        try await ofFirst.read(atLeast: .megabytes(1))
        let second = try await stack.handOver(from: first)
        let ofSecond = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
        try await ofSecond.read(atLeast: .megabytes(1))
        gate.open()
        #expect(try await ofFirst.finish().isWhole(digest))
        #expect(try await ofSecond.finish().isWhole(digest))
        #expect(try stack.storedBlobs().isEmpty)
        #expect(files(stack, "partial").isEmpty)
        await second.stop()
      } catch {
        try await disk.unmount()
        throw error
      }
      try await disk.unmount()
    }

    private func files(_ stack: ProxyStack, _ folder: String) -> [String] {
      let names = FileManager.default.enumerator(atPath: "\(stack.store)/\(folder)")?.compactMap { $0 as? String } ?? []
      return names.filter { $0.split(separator: "/").last.map { $0.count > 10 } ?? false }
    }

    @Test(arguments: [("size=8m", "size=200m"), ("size=200m,nr_inodes=7", "nr_inodes=1000"), ("size=200m", "rw")])
    func `a pull that the disk refuses succeeds, and the next one is stored once there is room`(
      options: String,
      relief: String
    ) async throws {
      try await withDisk(options) { stack, disk in
        if relief == "rw" { try await disk.remount("ro") }
        let answers = try await stack.client.getAtOnce(3, "/v2/app/blobs/\(digest)").map { try $0.get() }
        #expect(answers.allSatisfy { $0.isWhole(digest) })
        #expect(files(stack, "partial").isEmpty)
        let part = try await stack.client.get("/v2/app/blobs/\(digest)", headers: ["Range": "bytes=1000-1999"])
        #expect(part.status == 206)
        #expect(part.body == Array(bytes[1000..<2000]))
        #expect(try await stack.client.get("/v2/app/manifests/v1").status == 200)
        #expect(try stack.storedBlobs().allSatisfy { $0 != digest })
        #expect(try stack.saysOnceAMinute("cannot store blobs"))
        let metrics = try await stack.client.get("/_regproxy/metrics").text
        #expect(metrics.contains("regproxy_store_failures_total") && !metrics.contains("failures_total 0\n"))

        #expect(try await stack.runStoreCommand("verify").exit == .code(0))
        try await stack.waitForDownloads()
        try await disk.remount(relief)
        #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
        #expect(try stack.storedBlobs().contains(digest))
        #expect(try await stack.client.get("/v2/app/blobs/\(digest)").headers["X-Cache"] == "HIT")
      }
    }

    @Test func `an interrupted download is resumed for each client while the disk is full`() async throws {
      let piece = Int.megabytes(20)
      registry.answerRanges("/v2/library/app/blobs/\(digest)", of: bytes) { rest in
        rest.count > piece ? .truncated(rest, after: piece) : .bytes(rest)
      }
      try await withDisk("size=8m") { stack, _ in
        let answers = try await stack.client.getAtOnce(2, "/v2/app/blobs/\(digest)").map { try $0.get() }
        #expect(answers.allSatisfy { $0.isWhole(digest) })
        let header = ["Range": "bytes=1000000-60999999"] as HeaderLines
        let part = try await stack.client.get("/v2/app/blobs/\(digest)", headers: header)
        #expect(part.status == 206)
        #expect(part.digest == sha256Digest(of: Array(bytes[1_000_000..<61_000_000])))
      }
    }

    @Test(arguments: [0, 1, 16 << 10])
    func `an empty body is complete only for the empty blob when the store is read-only`(size: Int) async throws {
      let digest = sha256Digest(of: DeterministicBytes.make(count: size, seed: 62))
      registry.answer("/v2/library/app/blobs/\(digest)", with: ScriptedResponse(body: .bytes([])))
      try await withDisk("size=8m") { stack, disk in
        try await disk.remount("ro")
        let answer = try await stack.client.get("/v2/app/blobs/\(digest)")
        #expect(answer.status == (size == 0 ? 200 : 502))
        #expect(size == 0 || !answer.isWhole(digest))
      }
    }

    @Test(arguments: [true, false])
    func `the limits hold while a blob arrives that cannot be stored`(isAnnounced: Bool) async throws {
      let cached = (0..<4).map { DeterministicBytes.make(count: 2_000_000, seed: UInt64(80 + $0)) }
      let digests = cached.map { registry.addBlob($0, to: "library/app") }
      registry.addBlob(bytes, to: "library/app", isAnnounced ? .bytes(bytes) : .chunked(bytes))
      let disk = try await SmallDisk(at: directory.makeDirectory("store"), options: "size=100m", in: directory)
      do {
        let stack = try await ProxyStack(dockerHub(at: registry), limits: "min_free: 50MB", in: directory)
        let worker = try await stack.startWorker()
        for digest in digests { #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest)) }
        for digest in digests {
          var times = [timeval(tv_sec: time(nil) - 3600, tv_usec: 0), timeval(tv_sec: 1_000_000_000, tv_usec: 0)]
          #expect(utimes(stack.path(of: digest), &times) == 0)
        }
        let watch = Task {
          var least = Int.max
          while !Task.isCancelled {
            least = min(least, try disk.freeSpace())
            try? await Task.sleep(for: .milliseconds(2))
          }
          return least
        }
        let answer = try await stack.client.get("/v2/app/blobs/\(digest)")
        #expect(isAnnounced ? answer.isWhole(digest) : answer.status == 502)
        watch.cancel()
        #expect(try await watch.value >= 45_000_000)
        #expect(try stack.storedBlobs() == Set(digests))
        #expect(files(stack, "partial").isEmpty)
        await worker.stop()
      } catch {
        try await disk.unmount()
        throw error
      }
      try await disk.unmount()
    }

    @Test func `wrong bytes never complete a response when nothing can be stored`() async throws {
      var wrong = bytes
      wrong[0] ^= 1
      registry.answerRanges("/v2/library/app/blobs/\(digest)", of: wrong) { .bytes($0) }
      try await withDisk("size=8m") { stack, disk in
        #expect(try await !stack.client.get("/v2/app/blobs/\(digest)").isComplete)
        try await disk.remount("ro")
        #expect(try await !stack.client.get("/v2/app/blobs/\(digest)").isComplete)
      }
    }
  }
}
