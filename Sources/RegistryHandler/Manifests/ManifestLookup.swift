internal import Logging

/// Looks in the store for what a client may be answered with. Blocks.
struct ManifestLookup: Sendable {
  let upstream: Upstream
  let repository: UpstreamRepository
  let services: ProxyServices
  let accept: AcceptHeader

  /// What the store has of a manifest for a client.
  enum Known: Sendable {
    /// The answer: upstream is not asked.
    case answer(ManifestResult)
    /// What the tag was last seen as: it may be served if upstream gives no answer.
    /// - checkedAt: in seconds since 1970.
    case standIn(ServedManifest, checkedAt: Int64)
    /// The tag, as other clients were answered that take other types, or as it was too long ago.
    case anotherForm
    case nothing

    /// Whether upstream's bytes may be here, so that its HEAD may save a download.
    var mayBeHere: Bool {
      if case .nothing = self { false } else { true }
    }

    var standIn: ServedManifest? {
      if case .standIn(let manifest, _) = self { manifest } else { nil }
    }
  }

  func known(_ reference: Reference) -> Known {
    do throws(FileError) {
      switch reference {
      case .digest(let digest):
        guard let manifest = try services.store.manifest(digest, in: repository) else { return .nothing }
        return .answer(ManifestResult(manifest, .hit, detail: "stored"))
      case .tag(let tag): return try known(tag)
      }
    } catch {
      services.logger.error("store not readable", metadata: ["error": "\(error)"])
      return .nothing
    }
  }

  private func known(_ tag: TagName) throws(FileError) -> Known {
    let usual = try known(tag, as: accept.variant) { accept.accepts($0) }
    if case .answer = usual { return usual }
    guard let exactly = accept.exactVariant else { return usual }
    // Upstream's own answer to the very same types is right whatever it is.
    let exact = try known(tag, as: exactly) { _ in true }
    switch (usual, exact) {
    case (_, .answer): return exact
    case (.standIn(_, let checkedAt), .standIn(_, let exactlyAt)): return checkedAt < exactlyAt ? exact : usual
    case (.standIn, _): return usual
    case (_, .standIn): return exact
    case (.nothing, .nothing): break
    default: return .anotherForm
    }
    let other: TagVariant = accept.variant == .any ? .single : .any
    let isKnown =
      try services.store.tag(tag, other, in: repository) != nil
      || services.store.hasExactRecord(of: tag, in: repository)
    return isKnown ? .anotherForm : .nothing
  }

  private func known(
    _ tag: TagName,
    as variant: TagVariant,
    takes: (MediaType) -> Bool
  ) throws(FileError) -> Known {
    guard let record = try services.store.tag(tag, variant, in: repository) else { return .nothing }
    let freshness = record.freshness(for: upstream, now: services.now())
    guard freshness != .expired, let digest = Digest(record.digest),
      let manifest = try services.store.manifest(digest, in: repository), takes(manifest.mediaType)
    else { return .anotherForm }
    if freshness == .fresh { return .answer(ManifestResult(manifest, .hit, detail: "fresh")) }
    return .standIn(manifest, checkedAt: record.checkedAt)
  }
}
