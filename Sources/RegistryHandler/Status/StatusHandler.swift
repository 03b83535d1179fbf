internal import FoundationEssentials
internal import HTTPTypes

/// Answers the operator's endpoints.
struct StatusHandler: Sendable {
  let services: ProxyServices
  let upstreams: UpstreamTable

  /// Blocks on the store for readiness.
  func respond(to endpoint: StatusEndpoint) -> RegistryResponse {
    switch endpoint {
    case .healthz: text("ok\n")
    case .readyz: readiness()
    case .metrics: text(metrics, type: "text/plain; version=0.0.4; charset=utf-8")
    case .status: text(summary.map { "\($0.key): \($0.value)\n" }.sorted().joined())
    case .statusJSON: json()
    }
  }

  private func readiness() -> RegistryResponse {
    do {
      try services.store.probe()
      return text("ready\n")
    } catch {
      return text("the store cannot be written: \(error)\n", status: 503)
    }
  }

  private var summary: [String: UInt64] {
    let counts = services.counters.snapshot
    let requests = { (status: CacheStatus) in counts.filter { $0.key.cache == status }.values.reduce(0, +) }
    return [
      "bypasses": requests(.bypass),
      "fills": UInt64(services.fills.count),
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

  /// The counters of this process. <https://prometheus.io/docs/instrumenting/exposition_formats/>
  private var metrics: String {
    let requests = services.counters.snapshot.map { key, count in
      let cache = key.cache?.rawValue.lowercased() ?? "none"
      return
        "regproxy_requests_total{kind=\"\(key.kind.rawValue)\",cache=\"\(cache)\",status=\"\(key.statusClass)xx\"} \(count)\n"
    }
    return "# HELP regproxy_requests_total Requests answered.\n# TYPE regproxy_requests_total counter\n"
      + requests.sorted().joined()
      + "# HELP regproxy_fills Blobs being downloaded.\n# TYPE regproxy_fills gauge\n"
      + "regproxy_fills \(services.fills.count)\n"
      + "# HELP regproxy_store_failures_total Blobs that the store would not take.\n"
      + "# TYPE regproxy_store_failures_total counter\n"
      + "regproxy_store_failures_total \(services.storeFailures.count)\n"
      + "# HELP regproxy_evicted_blobs_total Blobs that were removed to make room.\n"
      + "# TYPE regproxy_evicted_blobs_total counter\n"
      + "regproxy_evicted_blobs_total \(services.evictor.evicted.blobs)\n"
      + "# HELP regproxy_evicted_bytes_total Bytes that were removed to make room.\n"
      + "# TYPE regproxy_evicted_bytes_total counter\n"
      + "regproxy_evicted_bytes_total \(services.evictor.evicted.bytes)\n"
      + documents + storeSize
  }

  private var documents: String {
    """
    # HELP regproxy_document_bytes Bytes of large manifests and lists in memory.
    # TYPE regproxy_document_bytes gauge
    regproxy_document_bytes \(services.documents.usedBytes)
    # HELP regproxy_documents_refused_total Large manifests and lists that the memory had no room for.
    # TYPE regproxy_documents_refused_total counter
    regproxy_documents_refused_total \(services.documents.refusalCount)

    """
  }

  /// Nothing before the blobs have been counted.
  private var storeSize: String {
    guard let total = services.store.usage.total else { return "" }
    return "# HELP regproxy_store_bytes Bytes that the blobs take, of all processes.\n"
      + "# TYPE regproxy_store_bytes gauge\nregproxy_store_bytes \(total)\n"
  }

  private func text(_ text: String, type: String = "text/plain; charset=utf-8", status: Int = 200) -> RegistryResponse {
    RegistryResponse(
      status: status,
      headers: [.contentType: type, .cacheControl: "no-store"],
      body: .bytes(Array(text.utf8))
    )
  }
}
