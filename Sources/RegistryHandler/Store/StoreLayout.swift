/// The paths in the store, made only from validated names and digests.
///
///     blobs/sha256/ab/<hex>                                              verified bytes
///     partial/sha256/<hex>                                               a download under way or abandoned
///     partial/sha256/<hex>.json                                          its size, validator and origin
///     partial/record-<hex>                                               a file that is not renamed yet
///     repositories/<upstream>/<repository>/_blobs/sha256/<hex>           link
///     repositories/<upstream>/<repository>/_manifests/sha256/<hex>.json  link and media type
///     repositories/<upstream>/<repository>/_tags/<tag>.json              the last seen state of the tag
///     repositories/<upstream>/<repository>/_tags/single/<tag>.json       the same for clients that accept no index
///     repositories/<upstream>/<repository>/_tags/exact/<tag>/<hex>.json  the same for one exact set of accepted types
///     repositories/<upstream>@service/...                                the same, proved with the operator's account
///     quarantine/<seconds>-<path>                                        corrupt files
///     usage                                                              the bytes that the blobs take
///     evictor.lock                                                       locked during an eviction
///     admission.lock                                                     locked while a download is admitted
///     collector.lock                                                     locked during a garbage collection
///     requests.lock                                                      marked while blobs without a file are requested
package struct StoreLayout: Sendable {
  private static let recordSuffix = ".json"
  private static let temporaryPrefix = "record-"

  package let root: String

  package init(root: String) { self.root = root }

  package var blobs: String { "\(root)/blobs" }
  package var partials: String { "\(root)/partial" }
  package var repositories: String { "\(root)/repositories" }

  /// The directory of files that were found corrupt.
  package var quarantine: String { "\(root)/quarantine" }

  /// The file with the number of bytes that the blobs take.
  package var usage: String { "\(root)/usage" }

  /// The file that is locked during an eviction.
  package var evictorLock: String { "\(root)/evictor.lock" }

  /// The file that is locked while a download is admitted.
  package var admissionLock: String { "\(root)/admission.lock" }

  /// The file that is locked during a garbage collection.
  package var collectorLock: String { "\(root)/collector.lock" }

  /// The file that is marked while blobs are requested for which no partial file exists.
  package var requestsLock: String { "\(root)/requests.lock" }

  // MARK: - Blobs

  package func blob(_ digest: Digest) -> String { "\(root)/blobs/\(Self.relativePath(of: digest))" }

  /// The path of a blob below `blobs/`, which nginx serves under its internal location.
  package static func relativePath(of digest: Digest) -> String {
    "\(digest.algorithm.rawValue)/\(shard(of: digest))/\(digest.hex)"
  }

  /// The name of the directory that contains a blob.
  static func shard(of digest: Digest) -> Substring { digest.hex.prefix(2) }

  package func partial(_ digest: Digest) -> String { "\(partials)/\(digest.algorithm.rawValue)/\(digest.hex)" }

  package func partialRecord(_ digest: Digest) -> String { "\(partial(digest))\(Self.recordSuffix)" }

  /// The path of a file that is not renamed yet.
  func temporaryFile(_ number: UInt64) -> String {
    "\(partials)/\(Self.temporaryPrefix)\(String(number, radix: 16))"
  }

  /// Returns whether a file among the partial files is one that is not renamed yet.
  static func isTemporary(_ name: String) -> Bool { name.hasPrefix(temporaryPrefix) }

  // MARK: - Repositories

  package func blobLink(_ digest: Digest, in repository: UpstreamRepository) -> String {
    "\(blobLinks(in: repository))/\(digest.algorithm.rawValue)/\(digest.hex)"
  }

  package func manifest(_ digest: Digest, in repository: UpstreamRepository) -> String {
    "\(manifests(in: repository))/\(digest.algorithm.rawValue)/\(digest.hex)\(Self.recordSuffix)"
  }

  package func tag(_ tag: TagName, _ variant: TagVariant = .any, in repository: UpstreamRepository) -> String {
    switch variant {
    case .any: "\(tags(in: repository))/\(tag)\(Self.recordSuffix)"
    case .single: "\(singleTags(in: repository))/\(tag)\(Self.recordSuffix)"
    case .exactly(let types): "\(exactTags(tag, in: repository))/\(types.hex)\(Self.recordSuffix)"
    }
  }

  package func blobLinks(in repository: UpstreamRepository) -> String { "\(directory(of: repository))/_blobs" }

  package func manifests(in repository: UpstreamRepository) -> String { "\(directory(of: repository))/_manifests" }

  package func tags(in repository: UpstreamRepository) -> String { "\(directory(of: repository))/_tags" }

  /// The directory of records for clients that accept no index.
  package func singleTags(in repository: UpstreamRepository) -> String { "\(tags(in: repository))/single" }

  /// The directory of records for clients that accept exactly some types: it has a directory for each tag.
  package func exactTags(in repository: UpstreamRepository) -> String { "\(tags(in: repository))/exact" }

  /// The directory of one tag's records for clients that accept exactly some types.
  func exactTags(_ tag: TagName, in repository: UpstreamRepository) -> String {
    "\(exactTags(in: repository))/\(tag)"
  }

  /// Returns whether a directory is that of one tag's records for exact types.
  static func isOfExactTag(_ directory: String) -> Bool { FileSystem.parent(of: directory).hasSuffix("/_tags/exact") }

  /// Returns the name of a record's file without its suffix; `nil` for the name of another file.
  static func recordName(_ name: String) -> String? {
    name.hasSuffix(recordSuffix) ? String(name.dropLast(recordSuffix.count)) : nil
  }

  private func directory(of repository: UpstreamRepository) -> String {
    "\(repositories)/\(Self.directoryName(of: repository.upstream, repository.access))/\(repository.name)"
  }

  /// Returns the name of the directory of an upstream's repositories. No upstream has an `@` in its name.
  static func directoryName(of upstream: UpstreamName, _ access: AccessMode) -> String {
    access == .anonymous ? upstream.description : "\(upstream)@\(access.rawValue)"
  }

  /// Parses the name of a directory of an upstream's repositories; `nil` for another name.
  static func upstream(ofDirectory name: String) -> (UpstreamName, AccessMode)? {
    let parts = name.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count <= 2, let upstream = UpstreamName(parts[0]) else { return nil }
    guard parts.count == 2 else { return (upstream, .anonymous) }
    guard let access = AccessMode(rawValue: String(parts[1])), access != .anonymous else { return nil }
    return (upstream, access)
  }
}
