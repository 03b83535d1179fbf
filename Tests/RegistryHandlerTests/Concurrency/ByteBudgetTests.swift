internal import Testing

@testable internal import RegistryHandler

struct ByteBudgetTests {
  private static let uncounted = ByteBudget.uncounted

  /// Documents that grow by these sizes, one after the other, in a budget of 1000 bytes.
  @Test(
    arguments: [
      ([0, uncounted], 0, true),
      ([uncounted + 1], 1, true),
      ([uncounted + 1000], 1000, true),
      ([uncounted + 1001], 0, false),
      ([uncounted + 400, uncounted + 600], 1000, true),
      ([uncounted + 400, uncounted + 601], 400, false),
      ([Int.max], 0, false),
    ] as [([Int], Int, Bool)]
  )
  func `a document counts beyond its first bytes`(_ sizes: [Int], _ used: Int, _ fits: Bool) {
    let budget = ByteBudget(limit: 1000)
    let reservations = sizes.map { _ in budget.makeReservation(for: "a") }
    let results = zip(reservations, sizes).map { $0.grow(to: $1) }
    #expect(results.last == fits)
    #expect(budget.usedBytes == used)
    #expect(budget.refusalCount == (fits ? 0 : 1))
    withExtendedLifetime(reservations) {}
  }

  @Test func `a document that does not fit releases what it had`() {
    let budget = ByteBudget(limit: 1000)
    let (first, second) = (budget.makeReservation(for: "a"), budget.makeReservation(for: "a"))
    #expect(first.grow(to: Self.uncounted + 600))
    #expect(second.grow(to: Self.uncounted + 400))
    #expect(!second.grow(to: Self.uncounted + 500))
    #expect(budget.usedBytes == 600)
    #expect(first.grow(to: Self.uncounted + 1000))
    withExtendedLifetime(second) {}
  }

  @Test func `a growing document counts once, and its memory is released`() {
    let budget = ByteBudget(limit: 1000)
    do {
      let reservation = budget.makeReservation(for: "a")
      for size in [1, Self.uncounted, Self.uncounted + 600, Self.uncounted + 700, Self.uncounted + 500] {
        #expect(reservation.grow(to: size))
      }
      #expect(budget.usedBytes == 700)
      #expect(!budget.makeReservation(for: "a").grow(to: Self.uncounted + 301))
      #expect(budget.usedBytes == 700)
    }
    #expect(budget.usedBytes == 0)
  }

  @Test func `small documents always fit`() {
    let budget = ByteBudget(limit: 1)
    let full = budget.makeReservation(for: "a")
    #expect(full.grow(to: Self.uncounted + 1))
    let reservations = (0..<1000).map { _ in budget.makeReservation(for: "a") }
    #expect(reservations.allSatisfy { $0.grow(to: Self.uncounted) })
    withExtendedLifetime(full) {}
  }

  @Test func `concurrent documents never exceed the budget`() async {
    let budget = ByteBudget(limit: 1000)
    let granted = await withTaskGroup(of: ByteBudget.Reservation?.self) { group in
      for _ in 0..<100 {
        group.addTask {
          let reservation = budget.makeReservation(for: "a")
          return reservation.grow(to: Self.uncounted + 100) ? reservation : nil
        }
      }
      return await group.reduce(into: []) { $0.append($1) }.compactMap { $0 }
    }
    #expect(granted.count == 10)
    #expect(budget.usedBytes == 1000)
  }

  @Test func `one party leaves room for others`() {
    let budget = ByteBudget(limit: 1000, share: 700)
    let (first, other) = (budget.makeReservation(for: "a"), budget.makeReservation(for: "b"))
    #expect(first.grow(to: Self.uncounted + 600))
    #expect(!budget.makeReservation(for: "a").grow(to: Self.uncounted + 101))
    #expect(other.grow(to: Self.uncounted + 400))
    #expect(budget.usedBytes == 1000)
    withExtendedLifetime((first, other)) {}
  }
}
