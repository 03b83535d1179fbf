internal import FoundationEssentials
internal import HTTPTypes

/// Responds to the operator's endpoints.
package struct StatusHandler: Sendable {
  private let context: StatusContext
  private let upstreams: UpstreamTable

  package init(_ context: StatusContext, _ upstreams: UpstreamTable) {
    self.context = context
    self.upstreams = upstreams
  }

  /// Responds to an endpoint; waits for the store for readiness.
  package func respond(to endpoint: StatusEndpoint) async -> RegistryResponse {
    switch endpoint {
    case .healthz: text("ok\n")
    case .readyz: await readiness()
    case .metrics: text(metrics, type: PrometheusText.contentType)
    case .status: text(summary.map { "\($0.key): \($0.value)\n" }.sorted().joined())
    case .statusJSON: json()
    }
  }

  private func readiness() async -> RegistryResponse {
    do throws(FileError) {
      try await context.executor.run { [store = context.store] () throws(FileError) in try store.probe() }
      return text("ready\n")
    } catch {
      return text("the store cannot be written: \(error)\n", status: 503)
    }
  }

  private var summary: [String: UInt64] {
    let counts = context.counters.snapshot
    let requests = { (status: CacheStatus) in counts.filter { $0.key.cache == status }.values.reduce(0, +) }
    return [
      "bypasses": requests(.bypass),
      "fills": UInt64(context.fills.count),
      "hits": requests(.hit),
      "misses": requests(.miss),
      "requests": counts.values.reduce(0, +),
      "stale": requests(.stale),
      "upstreams": UInt64(upstreams.upstreams.count),
    ]
  }

  private func json() -> RegistryResponse {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let bytes = (try? encoder.encode(summary)).map { Array($0) } ?? []
    return RegistryResponse(
      status: 200,
      headers: [.contentType: "application/json", .cacheControl: "no-store"],
      body: .bytes(bytes)
    )
  }

  /// The metrics of this process.
  private var metrics: String {
    var text = PrometheusText()
    text.append("regproxy_requests_total", .counter, "Requests answered.", requestSamples)
    text.append("regproxy_fills", .gauge, "Blobs being downloaded.", context.fills.count)
    text.append(
      "regproxy_store_failures_total",
      .counter,
      "Blobs that the store would not take.",
      context.failures.count
    )
    let evicted = context.evictor.evicted
    text.append("regproxy_evicted_blobs_total", .counter, "Blobs that were removed to make room.", evicted.blobs)
    text.append("regproxy_evicted_bytes_total", .counter, "Bytes that were removed to make room.", evicted.bytes)
    let documents = context.documents
    let help = "Bytes of large manifests and lists in memory."
    text.append("regproxy_document_bytes", .gauge, help, documents.usedBytes)
    text.append(
      "regproxy_documents_refused_total",
      .counter,
      "Large manifests and lists that the memory had no room for.",
      documents.refusalCount
    )
    // Absent before the blobs have been counted.
    if let total = context.store.usage.total {
      text.append("regproxy_store_bytes", .gauge, "Bytes that the blobs take, of all processes.", total)
    }
    return text.text
  }

  private var requestSamples: [PrometheusText.Sample] {
    context.counters.snapshot.map { key, count in
      let labels = [
        ("kind", key.kind.rawValue), ("cache", key.cache?.rawValue.lowercased() ?? "none"),
        ("status", "\(key.statusClass)xx"),
      ]
      return PrometheusText.Sample(count, labels: labels)
    }
  }

  private func text(_ text: String, type: String = "text/plain; charset=utf-8", status: Int = 200) -> RegistryResponse {
    RegistryResponse(
      status: status,
      headers: [.contentType: type, .cacheControl: "no-store"],
      body: .bytes(Array(text.utf8))
    )
  }
}
