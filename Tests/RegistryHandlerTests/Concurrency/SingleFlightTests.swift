internal import Testing

@testable internal import RegistryHandler

struct SingleFlightTests {
  private let flights = SingleFlight<String, Int>(executor: .forTests)

  /// Runs on one actor, so that each caller has joined before the next one begins.
  @MainActor
  @Test func `concurrent callers share one operation`() async throws {
    let starts = Observed(0)
    let callers = Observed(0)
    let gate = Observed(false)
    let tasks = (0..<100).map { _ in
      Task { @MainActor in
        callers.update { $0 += 1 }
        return try await flights.value(for: "a") {
          starts.update { $0 += 1 }
          _ = await gate.first { $0 }
          return 7
        }
      }
    }
    _ = await callers.first { $0 == 100 }
    gate.update { $0 = true }
    for task in tasks { #expect(try await task.value == 7) }
    #expect(starts.value == 1)
  }

  @Test func `operations of different keys run independently`() async throws {
    let gate = Observed(false)
    let slow = Task {
      try await flights.value(for: "slow") {
        _ = await gate.first { $0 }
        return 1
      }
    }
    #expect(try await flights.value(for: "fast") { 2 } == 2)
    gate.update { $0 = true }
    #expect(try await slow.value == 1)
  }

  @Test func `a caller after the end starts a new operation`() async throws {
    #expect(try await flights.value(for: "a") { 1 } == 1)
    #expect(try await flights.value(for: "a") { 2 } == 2)
  }

  @Test func `an operation continues for the others when a caller is cancelled`() async throws {
    let starts = Observed(0)
    let gate = Observed(false)
    let operation: @Sendable () async -> Int = {
      starts.update { $0 += 1 }
      _ = await gate.first { $0 }
      return Task.isCancelled ? -1 : 7
    }
    let first = Task { try await flights.value(for: "a", operation) }
    _ = await starts.first { $0 == 1 }
    let second = Task { try await flights.value(for: "a", operation) }
    first.cancel()
    await #expect(throws: CancellationError.self) { try await first.value }
    gate.update { $0 = true }
    #expect(try await second.value == 7)
  }

  @Test func `an operation continues when callers run out of patience, and no second one starts`() async throws {
    let starts = Observed(0)
    let gate = Observed(false)
    let operation: @Sendable () async -> Int = {
      starts.update { $0 += 1 }
      _ = await gate.first { $0 }
      return 7
    }
    for _ in 0..<10 { #expect(try await flights.value(for: "a", within: .zero, operation) == nil) }
    let patient = Task { try await flights.value(for: "a", within: .seconds(3600), operation) }
    while flights.waiterCount == 0 { await Task.yield() }
    gate.update { $0 = true }
    #expect(try await patient.value == 7)
    #expect(starts.value == 1)
  }

  @Test func `a cancelled caller throws instead of running out of patience`() async {
    let gate = Observed(false)
    let task = Task {
      try await flights.value(for: "a", within: .seconds(3600)) {
        _ = await gate.first { $0 }
        return 7
      }
    }
    while flights.waiterCount == 0 { await Task.yield() }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    gate.update { $0 = true }
  }
}
