internal import Testing

@testable internal import RegistryHandler

struct ObservedTests {
  @Test func `a value that satisfies the condition is returned at once`() async {
    let observed = Observed(3)
    #expect(await observed.first { $0 == 3 } == 3)
  }

  @Test func `an update wakes only the tasks whose conditions hold`() async {
    let observed = Observed(0)
    await withTaskGroup(of: Int?.self) { group in
      for wanted in 1...50 { group.addTask { await observed.first { $0 >= wanted } } }
      observed.update { $0 = 25 }
      for _ in 1...25 { #expect(await group.next() == 25) }
      observed.update { $0 = 50 }
      for _ in 26...50 { #expect(await group.next() == 50) }
    }
  }

  @Test func `no update is lost between many writers and many waiters`() async {
    let observed = Observed(0)
    await withTaskGroup(of: Void.self) { group in
      for wanted in 1...200 { group.addTask { #expect(await observed.first { $0 >= wanted } ?? 0 >= wanted) } }
      for _ in 1...200 { group.addTask { observed.update { $0 += 1 } } }
    }
    #expect(observed.value == 200)
  }

  @Test func `a task cancelled before it waits gets nothing`() async {
    let observed = Observed(0)
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return await observed.first { $0 == 1 }
    }
    task.cancel()
    #expect(await task.value == nil)
  }

  @Test func `a task cancelled while it waits gets nothing`() async {
    let observed = Observed(0)
    let checks = Observed(0)
    let task = Task {
      await observed.first { value in
        checks.update { $0 += 1 }
        return value == 1
      }
    }
    _ = await checks.first { $0 >= 2 }
    task.cancel()
    #expect(await task.value == nil)
    observed.update { $0 = 1 }
    #expect(await observed.first { $0 == 1 } == 1)
  }

  @Test func `a cancelled waiter does not disturb the others`() async {
    let observed = Observed(0)
    let leaving = Task { await observed.first { $0 == 1 } }
    let staying = Task { await observed.first { $0 == 1 } }
    leaving.cancel()
    #expect(await leaving.value == nil)
    observed.update { $0 = 1 }
    #expect(await staying.value == 1)
  }
}
