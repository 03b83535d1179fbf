internal import Glibc
internal import RegistryHandler
internal import Synchronization
internal import Testing

@testable internal import regproxy_fcgi

struct ThreadExecutorTests {
  private func makePair() throws -> (client: Int32, worker: Int32) {
    var pair: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
    return (pair[0], pair[1])
  }

  /// Runs an operation on a thread of its own, like a worker.
  private func run(watching connection: Int32, _ operation: @escaping @Sendable () async -> Void) async throws {
    let executor = try ThreadExecutor()
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      OSThread.start {
        executor.run(watching: connection, operation)
        continuation.resume()
      }
    }
  }

  @Test func `an operation that awaits other tasks runs to completion`() async throws {
    let pair = try makePair()
    defer { [pair.client, pair.worker].forEach { close($0) } }
    let steps = Observed(0)
    try await run(watching: pair.worker) {
      for _ in 0..<100 {
        await Task { steps.update { $0 += 1 } }.value
        await Task.yield()
      }
    }
    #expect(steps.value == 100)
  }

  @Test func `a client that disconnects cancels its operation`() async throws {
    let pair = try makePair()
    defer { close(pair.worker) }
    let never = Observed(false)
    let wasCancelled = Observed(false)
    try await run(watching: pair.worker) {
      close(pair.client)
      let value = await never.first { $0 }
      wasCancelled.update { $0 = value == nil && Task.isCancelled }
    }
    #expect(wasCancelled.value)
  }
}
