internal import FoundationEssentials
internal import Glibc

@testable internal import RegistryHandler

/// A store in memory whose files are corrupted one after another.
struct SpoiltStore {
  static let shared = SpoiltStore()

  let store: Store
  let repository: UpstreamRepository
  let digest: Digest
  let tag: TagName

  private init?() {
    let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    guard let store = try? Store(directory: "\(directory)/fuzz-store-\(getpid())"),
      let upstream = UpstreamName("r.test"), let name = RepositoryName("library/alpine"),
      let digest = Digest(of: Array("{}".utf8)), let tag = TagName("latest"), let type = MediaType("application/x+json")
    else { return nil }
    self.store = store
    self.digest = digest
    self.tag = tag
    repository = UpstreamRepository(upstream: upstream, name: name)
    // Creates the directories.
    let manifest = StoredManifest(digest: digest, mediaType: type, bytes: Array("{}".utf8))
    let record = TagRecord(digest: digest, mediaType: type, size: 2, checkedAt: 0, etag: nil)
    guard (try? store.keep(manifest, in: repository)) != nil, (try? store.keep(record, of: tag, in: repository)) != nil,
      (try? store.fileSystem.makeDirectory(FileSystem.parent(of: store.layout.partialRecord(digest)))) != nil
    else { return nil }
  }

  /// Overwrites a file with bytes, and runs a body that reads the file.
  func spoil(_ path: String, with bytes: [UInt8], _ body: () -> Void) {
    guard let file = fopen(path, "w") else { fatalError("\(path) cannot be written") }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
    body()
  }
}

extension FuzzInput {
  /// Checks all bytes as each file that the store reads back.
  func checkRecords() {
    guard let spoilt = SpoiltStore.shared else {
      fatalError("the store cannot be created: set TMPDIR to a writable directory")
    }
    let (store, layout) = (spoilt.store, spoilt.store.layout)
    spoilt.spoil(layout.tag(spoilt.tag, in: spoilt.repository), with: bytes) { checkTag(spoilt) }
    spoilt.spoil(layout.manifest(spoilt.digest, in: spoilt.repository), with: bytes) { checkManifestRecord(spoilt) }
    spoilt.spoil(layout.partialRecord(spoilt.digest), with: bytes) { checkPartial(spoilt) }
    spoilt.spoil(layout.usage, with: bytes) { checkUsage(store.usage) }
  }

  private func checkTag(_ spoilt: SpoiltStore) {
    _ = spoilt.store.digest(ofTagAt: spoilt.store.layout.tag(spoilt.tag, in: spoilt.repository))
    guard let record = (try? spoilt.store.tag(spoilt.tag, in: spoilt.repository)) ?? nil else { return }
    if let digest = Digest(record.digest) { expectPathsInStore(digest, spoilt.repository) }
    for now in [0, 1_700_000_000, Int64.max] {
      for duration in [Duration.zero, .seconds(60), .seconds(Int64.max / 4)] {
        let freshness = TagFreshness(checkedAt: record.checkedAt, now: now, ttl: .seconds(60), staleIfError: duration)
        expect(freshness != .fresh || record.checkedAt <= now, "a tag checked in the future is fresh")
      }
    }
  }

  private func checkManifestRecord(_ spoilt: SpoiltStore) {
    if let manifest = (try? spoilt.store.manifest(spoilt.digest, in: spoilt.repository)) ?? nil {
      expectEqual(MediaType(manifest.mediaType.description), manifest.mediaType, "a media type is invalid")
      expectEqual(manifest.digest, spoilt.digest, "another manifest is found")
    }
    _ = spoilt.store.hasReadableRecord(of: spoilt.digest, in: spoilt.repository)
    guard let compact = ManifestRecord(compactJSON: bytes) else { return }
    let decoded = try? JSONDecoder().decode(ManifestRecord.self, from: Data(bytes))
    expectEqual(decoded, compact, "the two decoders of a record differ")
  }

  private func checkPartial(_ spoilt: SpoiltStore) {
    guard let record = spoilt.store.partialRecord(of: spoilt.digest) else { return }
    if let origin = record.origin { expectPathsInStore(spoilt.digest, origin) }
    for written in [0, 1, 20_000, Int64.max / 2] {
      for phase in [FillProgress.Phase.receiving, .stored, .notStored, .failed(.upstream(.cancelled))] {
        var progress = FillProgress()
        progress.phase = phase
        progress.size = record.size
        progress.written = written
        progress.provedRepository = record.origin
        expect((0...written).contains(progress.readable), "\(progress.readable) of \(written) bytes can be read")
        _ = (progress.canStream, progress.isWorthFinishing, progress.hasBlob)
      }
    }
    guard let size = record.size else { return }
    expect(StoreUsage.taken(by: size) >= 0, "\(size) bytes have a negative disk usage")
    for range in ["bytes=0-", "bytes=-1", "bytes=1-2", "bytes=9223372036854775807-"] {
      guard case .part(let part) = ByteRange(range, size: size) else { continue }
      expect(part.upperBound <= size, "\(part) is not a range of \(size) bytes")
    }
  }

  private func checkUsage(_ usage: StoreUsage) {
    let before = usage.total
    _ = usage.reserve(4096, upTo: 1 << 40)
    usage.add(4096)
    usage.add(-8192)
    expect(before == nil || usage.total.map { $0 >= 0 } == true, "the total of the blobs is lost")
    expect((try? usage.set(4096, before: before)) != nil, "the total of the blobs cannot be corrected")
    expect(usage.total.map { $0 >= 0 } == true, "the total of the blobs is negative")
  }
}
