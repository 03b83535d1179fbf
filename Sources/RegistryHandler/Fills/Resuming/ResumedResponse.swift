internal import HTTPTypes

/// The use of a response to the request for the rest of a blob; pure.
enum ResumedResponse: Equatable, Sendable {
  /// The rest follows.
  case append
  /// The whole follows, with the beginning that is already there.
  case skipBeginning
  /// A transient failure.
  case tryAgain(UpstreamError)
  /// A final failure.
  case giveUp(UpstreamError)
  /// Other content follows.
  case changed

  /// - Parameters:
  ///   - offset: the first byte that was requested.
  ///   - size: of the whole in bytes, as the first response announced it.
  init(_ response: UpstreamResponse, _ route: Route, offset: Int64, size: Int64?) {
    switch response.status {
    case 200:
      self = Self.agree(response.contentLength, size) ? .skipBeginning : .changed
    case 206:
      guard let range = response.contentRange, range.part.lowerBound == offset, Self.agree(range.size, size) else {
        self = .changed
        return
      }
      self = .append
    default:
      let error = UpstreamError(refusing: response, route)
      self = error.isTransient ? .tryAgain(error) : .giveUp(error)
    }
  }

  private static func agree(_ size: Int64?, _ other: Int64?) -> Bool { size == nil || other == nil || size == other }
}

extension UpstreamResponse {
  /// Returns the rest of a blob that this response contains; discards any other body and throws the reason.
  /// - Parameters:
  ///   - offset: the first byte that was requested.
  ///   - size: of the whole in bytes, as it was announced.
  func rest(_ route: Route, offset: Int64, size: Int64?) async throws(FillFailure) -> ResumableBody.Part {
    do throws(UpstreamError) {
      try requireIdentityEncoding()
    } catch {
      throw .upstream(error)
    }
    switch ResumedResponse(self, route, offset: offset, size: size) {
    case .append: return ResumableBody.Part(body: body, skipped: 0)
    case .skipBeginning: return ResumableBody.Part(body: body, skipped: offset)
    case .tryAgain(let error), .giveUp(let error):
      await body.discardBriefly()
      throw .upstream(error)
    case .changed:
      await body.discardBriefly()
      throw .contentChanged
    }
  }
}
