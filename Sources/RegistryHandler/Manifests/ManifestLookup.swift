internal import Logging

/// The search of the store for a manifest that a client may be served. Blocks.
struct ManifestLookup: Sendable {
  let upstream: Upstream
  let repository: UpstreamRepository
  let context: ManifestContext
  let accept: AcceptHeader

  /// The result of the search.
  enum Finding: Sendable {
    /// The manifest to serve; upstream is not contacted.
    case usable(ManifestResult)
    /// The tag's last known manifest, which may be served if upstream does not respond.
    /// - checkedAt: in seconds since 1970.
    case standIn(ServedManifest, checkedAt: Int64)
    /// The tag's manifest for clients that accept other types, or one that has expired.
    case anotherForm
    case nothing

    /// Indicates whether upstream's manifest may be stored already, so that a HEAD may save a download.
    var mayBeHere: Bool {
      if case .nothing = self { false } else { true }
    }

    var standIn: ServedManifest? {
      if case .standIn(let manifest, _) = self { manifest } else { nil }
    }
  }

  func find(_ reference: Reference) -> Finding {
    do throws(FileError) {
      switch reference {
      case .digest(let digest):
        guard let manifest = try context.store.manifest(digest, in: repository) else { return .nothing }
        return .usable(ManifestResult(manifest, .hit, detail: "stored"))
      case .tag(let tag): return try find(tag)
      }
    } catch {
      context.logger.error("store not readable", metadata: ["error": "\(error)"])
      return .nothing
    }
  }

  private func find(_ tag: TagName) throws(FileError) -> Finding {
    let usual = try find(tag, as: accept.variant) { accept.accepts($0) }
    if case .usable = usual { return usual }
    guard let exactly = accept.exactVariant else { return usual }
    // Upstream's own response to exactly these types is right, whatever its type.
    let exact = try find(tag, as: exactly) { _ in true }
    switch (usual, exact) {
    case (_, .usable): return exact
    case (.standIn(_, let checkedAt), .standIn(_, let exactlyAt)): return checkedAt < exactlyAt ? exact : usual
    case (.standIn, _): return usual
    case (_, .standIn): return exact
    case (.nothing, .nothing): break
    default: return .anotherForm
    }
    let other: TagVariant = accept.variant == .any ? .single : .any
    let isKnown =
      try context.store.tag(tag, other, in: repository) != nil
      || context.store.hasExactRecord(of: tag, in: repository)
    return isKnown ? .anotherForm : .nothing
  }

  private func find(
    _ tag: TagName,
    as variant: TagVariant,
    where isAccepted: (MediaType) -> Bool
  ) throws(FileError) -> Finding {
    guard let record = try context.store.tag(tag, variant, in: repository) else { return .nothing }
    let freshness = record.freshness(for: upstream, now: context.now())
    guard freshness != .expired, let digest = Digest(record.digest),
      let manifest = try context.store.manifest(digest, in: repository), isAccepted(manifest.mediaType)
    else { return .anotherForm }
    if freshness == .fresh { return .usable(ManifestResult(manifest, .hit, detail: "fresh")) }
    return .standIn(manifest, checkedAt: record.checkedAt)
  }
}
