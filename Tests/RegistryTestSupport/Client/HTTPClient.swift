/// A raw HTTP/1.1 client: one connection per request, no redirect followed, nothing normalised.
package struct HTTPClient: Sendable {
  package let port: Int
  /// The `Host` of requests without their own.
  package var host: String
  /// A server without progress for this long is given up.
  package var stallLimit = Duration.patience

  package init(port: Int, host: String? = nil) {
    self.port = port
    self.host = host ?? "127.0.0.1:\(port)"
  }

  /// Returns a client of this server under another name.
  package func asking(host: String) -> HTTPClient {
    var client = self
    client.host = host
    return client
  }

  package func get(_ target: String, headers: HeaderLines = [:]) async throws -> HTTPExchange {
    try await exchange("GET", target, headers: headers)
  }

  package func head(_ target: String, headers: HeaderLines = [:]) async throws -> HTTPExchange {
    try await exchange("HEAD", target, headers: headers)
  }

  package func exchange(_ method: String, _ target: String, headers: HeaderLines = [:]) async throws -> HTTPExchange {
    try await open(method, target, headers: headers).finish()
  }

  /// Sends a request and leaves the response for the test to read.
  package func open(_ method: String, _ target: String, headers: HeaderLines = [:]) async throws -> OpenExchange {
    let request = RawRequest(
      method,
      target,
      headers: headers.completed(by: ["Host": host, "Connection": "close", "User-Agent": "regproxy-tests"])
    )
    return try await send(request)
  }

  /// Sends a request unchanged.
  package func send(_ request: RawRequest) async throws -> OpenExchange {
    let (port, limit) = (port, stallLimit)
    return try await onOwnThread { try OpenExchange(port: port, request: request, stallLimit: limit) }
  }

  /// Sends the same request many times at once.
  package func getAtOnce(_ count: Int, _ target: String, headers: HeaderLines = [:]) async -> [Result<
    HTTPExchange, any Error
  >] {
    await withTaskGroup(of: Result<HTTPExchange, any Error>.self) { group in
      for _ in 0..<count {
        group.addTask {
          do { return .success(try await get(target, headers: headers)) } catch { return .failure(error) }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
  }
}
