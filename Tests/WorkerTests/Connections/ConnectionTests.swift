internal import Glibc
internal import RegistryHandler
internal import Synchronization
internal import Testing

@testable internal import regproxy_fcgi

/// The test drives the event loop of a connection itself.
struct ConnectionTests {
  private let executor: LoopExecutor
  private let poll: EventPoll
  private let client: Int32
  private let connection: Connection

  init() throws {
    var pair: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
    executor = try LoopExecutor()
    poll = try EventPoll()
    client = pair[0]
    connection = Connection(pair[1], poll)
  }

  /// Runs rounds of the loop until the task has ended.
  private func run(_ now: ContinuousClock.Instant = .now, between: () -> Void = {}) {
    var work = LoopExecutor.Work()
    while true {
      executor.takeWork(into: &work, beforeSleep: false)
      for job in work.jobs { job.runSynchronously(on: executor.asUnownedTaskExecutor()) }
      if !work.retired.isEmpty { return }
      connection.watch()
      between()
      poll.wait(timeout: 1) { connection.handle($0.readiness) }
      connection.checkDeadline(now)
    }
  }

  @Test func `a send is suspended while the peer takes nothing, and everything arrives`() {
    defer { [client, connection.descriptor].forEach { close($0) } }
    let bytes = [UInt8](repeating: 7, count: 4 << 20)
    connection.start(on: executor) { connection in try? await connection.send(bytes) }
    var received = 0
    run {
      var buffer = [UInt8](repeating: 0, count: 100_000)
      let count = recv(client, &buffer, buffer.count, 0)
      if count > 0 { received += count }
    }
    var rest = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = recv(client, &rest, rest.count, 0)
      guard count > 0 else { break }
      received += count
    }
    #expect(received == bytes.count)
  }

  @Test func `a peer that takes nothing for too long loses its connection`() {
    defer { [client, connection.descriptor].forEach { close($0) } }
    let isLost = Observed(false)
    connection.start(on: executor) { connection in
      do throws(Connection.Lost) {
        try await connection.send([UInt8](repeating: 7, count: 4 << 20))
      } catch {
        isLost.update { $0 = true }
      }
    }
    run(.now + Connection.sendTimeout + .seconds(1))
    #expect(isLost.value)
  }

  @Test func `a peer that disconnects cancels the task`() {
    defer { close(connection.descriptor) }
    let never = Observed(false)
    let wasCancelled = Observed(false)
    connection.start(on: executor) { _ in
      let value = await never.first { $0 }
      wasCancelled.update { $0 = value == nil && Task.isCancelled }
    }
    var isOpen = true
    run {
      if isOpen { close(client) }
      isOpen = false
    }
    #expect(wasCancelled.value)
  }

  /// Waits for a further request while the loop runs; returns whether one is there.
  private func waitForRequest(
    atMost limit: Duration = .seconds(60),
    _ now: ContinuousClock.Instant = .now,
    between: () -> Void
  )
    -> Bool?
  {
    let result = Observed<Bool?>(nil)
    connection.start(on: executor) { connection in
      let isThere = await connection.waitForRequest(atMost: limit)
      result.update { $0 = isThere }
    }
    run(now, between: between)
    return result.value
  }

  @Test func `an idle connection waits for a further request`() {
    defer { [client, connection.descriptor].forEach { close($0) } }
    #expect(waitForRequest { _ = send(client, [1] as [UInt8], 1, 0) } == true)
  }

  @Test func `an idle connection ends when the peer closes, after its limit, and when the worker stops`() {
    defer { close(connection.descriptor) }
    #expect(waitForRequest(atMost: .seconds(1), .now + .seconds(2)) {} == false)
    #expect(waitForRequest { connection.endIdleness() } == false)
    var isOpen = true
    let ended = waitForRequest {
      if isOpen { close(client) }
      isOpen = false
    }
    #expect(ended == false)
  }

  @Test func `a request that arrives while the response before it waits for room is served`() {
    defer { [client, connection.descriptor].forEach { close($0) } }
    let isThere = Observed<Bool?>(nil)
    connection.start(on: executor) { connection in
      try? await connection.send([UInt8](repeating: 7, count: 4 << 20))
      let value = await connection.waitForRequest(atMost: .seconds(60))
      isThere.update { $0 = value }
    }
    var hasSent = false
    run {
      if !hasSent { _ = send(client, [1] as [UInt8], 1, 0) }
      hasSent = true
      var buffer = [UInt8](repeating: 0, count: 100_000)
      _ = recv(client, &buffer, buffer.count, 0)
    }
    #expect(isThere.value == true)
  }

  @Test func `a request that arrives as the worker stops is served`() {
    defer { [client, connection.descriptor].forEach { close($0) } }
    let isThere = waitForRequest {
      _ = send(client, [1] as [UInt8], 1, 0)
      connection.endIdleness()
    }
    #expect(isThere == true)
  }

  @Test func `a stop ends no wait but that for a further request`() {
    defer { [client, connection.descriptor].forEach { close($0) } }
    let isReady = Observed<Bool?>(nil)
    connection.start(on: executor) { connection in
      let value = try? await connection.wait(for: .readable, atMost: .seconds(60))
      isReady.update { $0 = value }
    }
    var rounds = 0
    run {
      connection.endIdleness()
      rounds += 1
      if rounds == 3 { _ = send(client, [1] as [UInt8], 1, 0) }
    }
    #expect(isReady.value == true)
  }

  @Test func `a wait ends with the first byte, which stays to be read`() {
    defer { [client, connection.descriptor].forEach { close($0) } }
    let first = Observed<Int?>(nil)
    connection.start(on: executor) { connection in
      _ = try? await connection.wait(for: .readable, atMost: .seconds(60))
      let count = withUnsafeTemporaryAllocation(byteCount: 10, alignment: 1) { connection.peek(into: $0) }
      first.update { $0 = count }
    }
    var hasSent = false
    run {
      if !hasSent { _ = send(client, [1, 2, 3] as [UInt8], 3, 0) }
      hasSent = true
    }
    #expect(first.value == 3)
    var buffer = [UInt8](repeating: 0, count: 10)
    #expect(recv(connection.descriptor, &buffer, buffer.count, 0) == 3)
  }
}
