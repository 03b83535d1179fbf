internal import HTTPTypes

/// Sends single HTTP requests of a session and records how its endpoints respond.
struct EndpointTransport: Sendable {
  /// The least time without a response that counts against an endpoint when the request is cancelled: short deadlines
  /// end before the connect time-out.
  private static let minimumSilence: Duration = .seconds(4)

  let upstream: Upstream
  let context: UpstreamContext
  let via: Via
  let receiveBuffer: ReceiveBuffer

  /// Sends a request to the endpoint's own origin.
  func send(
    _ request: EndpointRequest,
    to url: HTTPURL,
    _ authorization: Authorization?
  ) async throws(UpstreamError) -> UpstreamResponse {
    let health = context.health
    let start = health.now()
    do {
      let response = try await execute(request, url, authorization, .any)
      health.noteAnswer(of: request.endpoint)
      if Self.isAcceptance(response.status) { authorization?.noteAcceptance() }
      return response
    } catch {
      switch error.kind {
      case .timeout: health.noteSilence(of: request.endpoint, since: start)
      case .cancelled where health.now() - start >= Self.minimumSilence:
        health.noteSilence(of: request.endpoint, since: start)
      case .unreachable: health.noteFailure(of: request.endpoint)
      default: break
      }
      throw error
    }
  }

  /// Sends a request to another host that upstream named: without credentials, and only to addresses that SSRF rules
  /// allow.
  func sendElsewhere(_ request: EndpointRequest, to url: HTTPURL) async throws(UpstreamError) -> UpstreamResponse {
    try await execute(request, url, nil, upstream.namedAddresses)
  }

  /// Returns whether a status shows that the token was accepted.
  private static func isAcceptance(_ status: Int) -> Bool { status < 400 || status == 404 }

  private func execute(
    _ request: EndpointRequest,
    _ url: HTTPURL,
    _ authorization: Authorization?,
    _ addresses: AddressRule
  ) async throws(UpstreamError) -> UpstreamResponse {
    var headers = request.headers
    headers[.acceptEncoding] = "identity"
    headers[.via] = context.name.map { via.value(behind: $0) }
    headers[.authorization] = authorization?.value
    var upstreamRequest = UpstreamRequest(
      method: request.method,
      url: url,
      headers: headers,
      caFile: upstream.caFile,
      addresses: addresses,
      proxy: upstream.proxies.proxy(for: url)
    )
    upstreamRequest.receiveBuffer = receiveBuffer
    return try await context.client.execute(upstreamRequest)
  }
}
