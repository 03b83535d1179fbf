internal import Testing

@testable internal import RegistryHandler

struct SingleFlightResultTests {
  private enum Failure: Error {
    case failed
    case cancelled
  }

  private let flights = SingleFlight<String, Result<Int, Failure>>(executor: .forTests)

  @Test func `a caller gets the success or the failure of the operation`() async throws {
    #expect(try await flights.value(for: "a", onCancel: .cancelled) { .success(1) } == 1)
    await #expect(throws: Failure.failed) {
      try await flights.value(for: "a", onCancel: .cancelled) { .failure(.failed) }
    }
  }

  @Test func `a patient caller gets the success or the failure of the operation`() async throws {
    let patience: Duration = .seconds(3600)
    #expect(try await flights.value(for: "a", within: patience, onCancel: .cancelled) { .success(1) } == 1)
    await #expect(throws: Failure.failed) {
      try await flights.value(for: "a", within: patience, onCancel: .cancelled) { .failure(.failed) }
    }
  }

  @Test func `a caller out of patience gets nothing`() async throws {
    let gate = Observed(false)
    let value = try await flights.value(for: "a", within: .zero, onCancel: .cancelled) {
      _ = await gate.first { $0 }
      return .success(1)
    }
    #expect(value == nil)
    gate.update { $0 = true }
  }

  @Test(arguments: [nil, .seconds(3600)] as [Duration?])
  func `a cancelled caller gets the error for it`(_ patience: Duration?) async {
    let gate = Observed(false)
    let operation: @Sendable () async -> Result<Int, Failure> = {
      _ = await gate.first { $0 }
      return .success(1)
    }
    let task = Task {
      if let patience { return try await flights.value(for: "a", within: patience, onCancel: .cancelled, operation) }
      return try await flights.value(for: "a", onCancel: .cancelled, operation)
    }
    while flights.waiterCount == 0 { await Task.yield() }
    task.cancel()
    await #expect(throws: Failure.cancelled) { try await task.value }
    gate.update { $0 = true }
  }
}
