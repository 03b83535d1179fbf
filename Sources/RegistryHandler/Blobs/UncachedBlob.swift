internal import HTTPTypes
internal import NIOCore

/// A blob that one client gets from upstream without storing it: a part that a fill will not reach soon, or a blob that
/// the store cannot take.
struct UncachedBlob: Sendable {
  let digest: Digest
  let repository: UpstreamRepository
  let session: UpstreamSession
  let context: BlobContext

  var route: Route { .blob(repository.name, digest) }

  /// The longest beginning that is discarded if upstream ignores the range, in bytes: the fill is ahead of that.
  private static let longestSkip: Int64 = 1 << 20

  /// The time for which an upstream that sent the whole for a part gets no requests for far parts, in seconds.
  private static let rangeRefusalLifetime: Int64 = 600

  /// Responds with upstream's bytes.
  /// - Parameters:
  ///   - part: of a blob of known size, in bytes; without it, the client's range.
  ///   - lease: of the fill that continues meanwhile.
  func respond(
    to request: RegistryRequest,
    detail: String,
    part: Range<Int64>? = nil,
    keeping lease: FillLease? = nil,
    by deadline: ContinuousClock.Instant
  ) async throws(BypassFailure) -> RegistryResponse {
    let parties = RequestParty.all(client: request.clientAddress, upstream: repository.upstream, digest: digest)
    guard let stream = context.bypasses.lease(for: parties) else { throw .tooManyStreams }
    let range = part.map { "bytes=\($0.lowerBound)-\($0.upperBound - 1)" } ?? Self.range(of: request)
    let upstreamResponse: UpstreamResponse
    switch try await send(range, by: deadline) {
    case .redirect(let redirect):
      context.redirects.insert(redirect, for: RedirectCache.Key(digest, in: repository, by: .get, session.mode))
      return BlobResponse.redirected(redirect)
    case .response(let response): upstreamResponse = response
    }
    var response: RegistryResponse
    if upstreamResponse.status == 416, range != nil {
      await upstreamResponse.body.discardBriefly()
      response = RegistryResponse(status: 416, headers: [.contentLength: "0"])
    } else {
      let size = try await size(of: upstreamResponse)
      if let part, upstreamResponse.status == 200, part.lowerBound > Self.longestSkip {
        context.rangeRefusals.insert(true, for: repository.upstream, lifetime: Self.rangeRefusalLifetime)
        await upstreamResponse.body.discardBriefly()
        throw .rangesRefused
      }
      let blob = BlobResponse(digest: digest, request: request)
      if size <= FillProgress.withheldTail {
        let bytes = try await verifiedBytes(upstreamResponse, size: size, by: deadline)
        response = blob.streamed(size: size) { BufferedBlobSource(bytes, range: $0) }
      } else {
        response = try streamed(blob, upstreamResponse, size: size, lease, stream)
      }
    }
    response.setCacheStatus(.bypass, detail: detail)
    return response
  }

  /// Returns the client's range if it may be sent upstream: a validator cannot be compared before the size is known.
  private static func range(of request: RegistryRequest) -> String? {
    guard request.headers[.ifRange] == nil, ByteRange(request.headers[.range], size: .max) != .whole else { return nil }
    return request.headers[.range]
  }

  private func send(
    _ range: String?,
    by deadline: ContinuousClock.Instant
  ) async throws(BypassFailure) -> UpstreamSession.Outcome {
    var headers: HTTPFields = [:]
    headers[.range] = range
    do {
      return try await session.forOneClient.send(.get, route, headers: headers, by: deadline)
    } catch {
      throw .upstream(error)
    }
  }

  private func streamed(
    _ blob: BlobResponse,
    _ upstreamResponse: UpstreamResponse,
    size: Int64,
    _ lease: FillLease?,
    _ stream: BypassLimit.Lease
  ) throws(BypassFailure) -> RegistryResponse {
    let start = upstreamResponse.status == 206 ? upstreamResponse.contentRange?.part.lowerBound ?? 0 : 0
    let response = blob.streamed(size: size) { range in
      UpstreamBlobSource(
        ResumableBody.Part(body: upstreamResponse.body, skipped: max(0, range.lowerBound - start)),
        range: range,
        reopening: opener(to: range.upperBound, size: size),
        verifying: range == 0..<size ? digest : nil,
        keeping: lease,
        under: stream,
        now: context.instant,
        on: context.executor
      )
    }
    if case .stream(let source) = response.body, source.range.lowerBound < start {
      throw .upstream(UpstreamError(.invalidResponse, "upstream sent another part of \(digest) than was requested"))
    }
    return response
  }

  /// Returns the bytes of a small blob, all of which are verified before the headers are sent, also for a part of them.
  private func verifiedBytes(
    _ response: UpstreamResponse,
    size: Int64,
    by deadline: ContinuousClock.Instant
  ) async throws(BypassFailure) -> ByteBuffer {
    let open = opener(to: size, size: size)
    var part = ResumableBody.Part(body: response.body, skipped: 0)
    if response.status == 206 {
      await response.body.discardBriefly()
      do throws(FillFailure) { part = try await open(0) } catch { throw .upstream(error.upstreamError) }
    }
    let source = UpstreamBlobSource(
      part,
      range: 0..<size,
      reopening: open,
      verifying: digest,
      now: context.instant,
      on: context.executor
    )
    do {
      return try await withDeadline(deadline, orTimeout: "upstream did not send all of \(digest) in time") {
        () throws(UpstreamError) in try await source.collect()
      }
    } catch {
      throw .upstream(error)
    }
  }

  private func size(of response: UpstreamResponse) async throws(BypassFailure) -> Int64 {
    do throws(UpstreamError) { try response.requireIdentityEncoding() } catch { throw .upstream(error) }
    switch response.status {
    case 200:
      guard let size = response.contentLength else {
        await response.body.discardBriefly()
        throw .noSize
      }
      return size
    case 206:
      guard let size = response.contentRange?.size else {
        throw .upstream(UpstreamError(.invalidResponse, "upstream sent a part without its position"))
      }
      return size
    default:
      await response.body.discardBriefly()
      throw .upstream(UpstreamError(refusing: response, route))
    }
  }
}
