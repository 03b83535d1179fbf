internal import Logging

extension FillTask {
  /// Receives, verifies and stores the blob.
  func store(
    _ response: UpstreamResponse,
    _ part: ResumableBody.Part,
    in partial: PartialFile,
    size: Int64?
  ) async throws(FillFailure) -> FillProgress.Phase {
    try check(response, partial, size: size)
    let evictor = context.evictor
    let repository = repository
    let record = PartialRecord(size: size, etag: response.strongEntityTag, origin: repository)
    defer { evictor.withdraw(fill.digest) }
    var reserved = try await admit(partial, record) == .reserved ? size : nil
    defer { reserved.map { evictor.unreserve($0) } }
    do {
      fill.begin(partial.file, size: size, written: partial.length, proved: repository)
      fill.advance(to: partial.length)
      try await receive(response, part, into: partial, size: size)
      try verify(partial, size: size)
      if partial.length > FillProgress.earlyReleaseSize { fill.releaseTail() }
    } catch {
      throw failure(error, partial)
    }
    if reserved == nil {
      guard await hasRoom(partial) else {
        log("blob not stored", .store(.noRoom))
        partial.discard()
        return .notStored
      }
      reserved = partial.length
    }
    guard promote(partial, in: repository) else { return .notStored }
    reserved = nil
    return .stored
  }

  /// Links the verified blob and gives it its name; false where the store does not take it.
  private func promote(_ partial: PartialFile, in repository: UpstreamRepository) -> Bool {
    do throws(FileError) {
      // The link first: a client that finds the blob must find that its repository contains it.
      try context.store.link(fill.digest, in: repository)
      try partial.promote()
      return true
    } catch {
      log("blob not stored", .store(.file(error)))
      partial.giveUp(because: error)
      return false
    }
  }

  /// Throws where the response cannot be the blob that clients have been promised.
  private func check(_ response: UpstreamResponse, _ partial: PartialFile, size: Int64?) throws(FillFailure) {
    do throws(UpstreamError) {
      try response.requireIdentityEncoding()
    } catch {
      throw .upstream(error)
    }
    if let promised = fill.progress.value.size, promised != size {
      partial.discard()
      let reason = "upstream announced \(promised) bytes for \(fill.digest), and then another size"
      throw .upstream(UpstreamError(.invalidResponse, reason))
    }
  }

  /// Returns the failure of an interrupted download: a broken one can be resumed, wrong bytes have been discarded already.
  private func failure(_ error: any Error, _ partial: PartialFile) -> FillFailure {
    switch error {
    case let error as FileError:
      partial.giveUp(because: error)
      return .store(.file(error))
    case FillFailure.contentChanged:
      partial.discard()
      return .contentChanged
    case let failure as FillFailure: return failure
    default: return .upstream(UpstreamError(unexpected: error))
    }
  }

  /// Reserves room and lets other processes know; throws where the blob must not be written at all.
  private func admit(_ partial: PartialFile, _ record: PartialRecord) async throws(FillFailure) -> Admission {
    let progress = fill.progress
    var failure: FileError?
    let admission = await context.evictor.admit(fill.digest, size: record.size, present: partial.length) {
      progress.value.written
    } announce: { admission in
      // Nobody follows or resumes a blob that is withheld to its end.
      guard record.size ?? .max > FillProgress.withheldTail else { return }
      do throws(FileError) { try partial.keep(record.reserved(admission == .reserved)) } catch { failure = error }
    }
    if admission == .refused {
      partial.discard()
      throw .store(.noRoom)
    }
    if let failure {
      if admission == .reserved, let size = record.size { context.evictor.unreserve(size) }
      partial.giveUp(because: failure)
      throw .store(.file(failure))
    }
    return admission
  }

  /// Returns whether the store takes the blob. Nobody waits for an eviction: readers get the tail before.
  private func hasRoom(_ partial: PartialFile) async -> Bool {
    if context.evictor.reserve(partial.length, of: fill.digest) { return true }
    fill.releaseTail()
    return await context.evictor.makeRoom(for: partial.length, of: fill.digest)
  }

  /// Throws where size or digest are wrong, after the bytes have been discarded.
  private func verify(_ partial: PartialFile, size: Int64?) throws {
    if let size, size != partial.length {
      partial.discard()
      let reason = "upstream sent \(partial.length) bytes of \(fill.digest), not the \(size) it announced"
      throw UpstreamError(.invalidResponse, reason)
    }
    guard try partial.isVerified() else {
      partial.discard()
      let reason = "upstream sent \(partial.length) bytes whose digest is not \(fill.digest)"
      throw UpstreamError(.invalidResponse, reason)
    }
  }
}
