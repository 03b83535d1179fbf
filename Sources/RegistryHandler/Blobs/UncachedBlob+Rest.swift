internal import HTTPTypes

extension UncachedBlob {
  /// Returns the rest of a range for a client that has its beginning from the file of a fill.
  /// - Parameters:
  ///   - offset: the first byte that is missing.
  ///   - file: the file of the fill, which has all bytes before the offset.
  ///   - hashes: of the file's beginning.
  func rest(
    of range: Range<Int64>,
    size: Int64,
    from offset: Int64,
    after file: OpenFile,
    hashedBy hashes: PrefixHash
  ) async throws(UpstreamError) -> UpstreamBlobSource {
    var hash: ContentHasher?
    // The bytes before a part that begins beyond the file are unknown.
    if range.upperBound == size, let known = try? file.size(), offset <= known {
      do throws(FileError) {
        // Before the request: its response has to be read at once, or it is taken to have stalled.
        hash = try await context.executor.run { [algorithm = digest.algorithm] () throws(FileError) in
          try hashes.hash(algorithm, ofFirst: offset, in: file)
        }
      } catch {
        throw UpstreamError(.unavailable, error.description)
      }
    }
    let open = opener(to: range.upperBound, size: size)
    let part: ResumableBody.Part
    do throws(FillFailure) { part = try await open(offset) } catch { throw error.upstreamError }
    return UpstreamBlobSource(
      part,
      range: offset..<range.upperBound,
      reopening: open,
      verifying: hash == nil ? nil : digest,
      after: hash,
      under: context.bypasses.leaseForOpenResponse(),
      now: context.instant,
      on: context.executor
    )
  }

  /// Returns a function that requests the bytes from an offset on, for a client that has those before it.
  ///
  /// Each request has a deadline of its own, as the client has had response headers, perhaps for long; and the blob may
  /// be stored by now.
  func opener(to end: Int64, size: Int64) -> UpstreamBlobSource.Opener {
    { offset throws(FillFailure) in
      if context.store.hasLink(to: digest, in: repository), let file = context.store.open(digest),
        (try? file.size()) == size
      {
        return ResumableBody.Part(body: StoredBody(file: file, range: offset..<end), skipped: 0)
      }
      let headers: HTTPFields = offset > 0 ? [.range: "bytes=\(offset)-\(end - 1)"] : [:]
      let session = session.followingStorage.forOneClient
      let outcome: UpstreamSession.Outcome
      do throws(UpstreamError) {
        outcome = try await session.send(.get, route, headers: headers, by: .now + ResumeBackoff.timeout)
      } catch {
        throw .upstream(error)
      }
      guard case .response(let response) = outcome else { throw .redirectedAway }
      return try await response.rest(route, offset: offset, size: size)
    }
  }
}
