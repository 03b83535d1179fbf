internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct CheckTests {
    private let directory: TemporaryDirectory
    private let store: String

    init() throws {
      directory = try TemporaryDirectory()
      store = directory.path("above/store")
      try directory.write("store: {directory: \(store)}\nlisten: \(directory.path("worker.sock"))\n", to: "worker.yaml")
    }

    private func run(_ arguments: String...) async throws -> (exit: ManagedProcess.Exit, output: String, errors: String)
    {
      let command = arguments + ["--config", directory.path("worker.yaml")]
      let name = "run-\(arguments[0])-\(UInt32.random(in: 0...(.max)))"
      let process = try await ManagedProcess.start(
        ProcessLaunch(try Executable.worker(), command),
        name: name,
        in: directory.path
      )
      return (try await process.waitForExit(), process.output, process.errors)
    }

    private func files() -> [String] {
      let all = FileManager.default.enumerator(atPath: directory.path)?.compactMap { $0 as? String } ?? []
      return all.filter { !$0.hasPrefix("run-") }.sorted()
    }

    @Test func `check says that a missing store will be created, and creates nothing`() async throws {
      let text = try await run("check", "--offline")
      #expect(text.exit == .code(0))
      #expect(text.output.contains("ok     store \(store) (will be created)\n"))
      let json = try await run("check", "--offline", "--json")
      #expect(json.exit == .code(0))
      #expect(json.output.contains(#"{"check":"store \#(store)","note":"will be created","problem":"","result":"ok"}"#))
      #expect(files() == ["worker.yaml"])
    }

    @Test func `check accepts an existing store and changes nothing`() async throws {
      _ = try directory.makeDirectory("above/store")
      let checked = try await run("check", "--offline")
      #expect(checked.exit == .code(0))
      #expect(checked.output.contains("ok     store \(store)\n"))
      #expect(files() == ["above", "above/store", "worker.yaml"])
    }

    @Test func `check notes that less space is free than min_free`() async throws {
      _ = try directory.makeDirectory("above/store")
      try directory.write(
        "store: {directory: \(store), min_free: 1000000TB}\nlisten: \(directory.path("worker.sock"))\n",
        to: "worker.yaml"
      )
      let checked = try await run("check", "--offline")
      #expect(checked.exit == .code(0))
      #expect(
        checked.output.contains(" are free, less than 'store.min_free': a blob is stored if others can be evicted)\n")
      )
    }

    @Test func `check fails when the disk is full`() async throws {
      try await withDisk(at: "above/store") { _ in
        #expect(FileManager.default.createFile(atPath: "\(store)/file", contents: nil))
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(store)/file"))
        #expect(throws: (any Error).self) { try file.write(contentsOf: Data(count: 1 << 20)) }
        try file.close()
        let checked = try await run("check", "--offline")
        #expect(checked.exit == .code(69))
        #expect(checked.output.contains("FAILED store \(store): no space is left on its file system"))
      }
    }

    @Test func `a worker starts on a store that became read-only, and logs the reason`() async throws {
      try await withDisk(at: "store") { disk in
        let stack = try await ProxyStack("threads: {min: 1, max: 1}", in: directory)
        await (try await stack.startWorker()).stop()
        #expect(stack.log.contains("worker stopped") && !stack.log.contains("the store cannot be written"))
        try await disk.remount("ro")
        let worker = try await stack.startWorker(name: "second")
        try await eventually("the log says why") { stack.log.contains("\(stack.store) is on a read-only file system") }
        await worker.stop()
      }
    }

    private func withDisk(at path: String, _ body: (SmallDisk) async throws -> Void) async throws {
      let disk = try await SmallDisk(at: directory.makeDirectory(path), options: "size=64k", in: directory)
      do {
        try await body(disk)
      } catch {
        try await disk.unmount()
        throw error
      }
      try await disk.unmount()
    }

    @Test func `check and serve give the same reason for a store that cannot be opened`() async throws {
      let file = try directory.write("", to: "above")
      let sentence = "\(file) is not a directory: remove it, or choose another 'store.directory'\n"
      let checked = try await run("check", "--offline")
      #expect(checked.exit == .code(69))
      #expect(checked.output.contains("FAILED store \(store): \(sentence)"))
      let served = try await run("serve")
      #expect(served.exit == .code(71))
      #expect(served.errors == "regproxy-fcgi: \(sentence)")
    }
  }
}
