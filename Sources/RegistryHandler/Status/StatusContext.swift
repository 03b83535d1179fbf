/// The parts of the proxy that the operator's endpoints report on.
package final class StatusContext: Sendable {
  let store: Store
  let evictor: Evictor
  let fills: FillTable
  let failures: StoreFailures
  let documents: ByteBudget
  let executor: BlockingExecutor
  let counters: RequestCounters

  package init(
    store: Store,
    evictor: Evictor,
    fills: FillTable,
    failures: StoreFailures,
    documents: ByteBudget,
    executor: BlockingExecutor,
    counters: RequestCounters
  ) {
    self.store = store
    self.evictor = evictor
    self.fills = fills
    self.failures = failures
    self.documents = documents
    self.executor = executor
    self.counters = counters
  }
}
