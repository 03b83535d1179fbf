/// The parts of the proxy that requests for lists use.
package final class ListContext: Sendable {
  /// The memory for upstream's manifests and lists.
  let documents: ByteBudget
  let flights: SingleFlight<ListHandler.Key, Result<ListHandler.List, UpstreamError>>

  package init(documents: ByteBudget, executor: BlockingExecutor) {
    self.documents = documents
    flights = SingleFlight(executor: executor)
  }
}
