/// Where things are in the store. No path is made from anything but validated names and digests.
///
///     blobs/sha256/ab/<hex>                                              verified bytes
///     partial/sha256/<hex>                                               a fill under way, or what is left of one
///     partial/sha256/<hex>.json                                          what upstream said of it
///     repositories/<upstream>/<repository>/_blobs/sha256/<hex>           link
///     repositories/<upstream>/<repository>/_manifests/sha256/<hex>.json  link and media type
///     repositories/<upstream>/<repository>/_tags/<tag>.json              what the tag was last seen as
///     repositories/<upstream>/<repository>/_tags/single/<tag>.json       the same for clients that take no index
///     repositories/<upstream>/<repository>/_tags/exact/<tag>/<hex>.json  the same for clients that take exactly some types
///     quarantine/<seconds>-<path>                                        what was found to be wrong
///     usage                                                              what the blobs take, in bytes
///     evictor.lock                                                       locked by who evicts
///     collector.lock                                                     locked by who collects what serves nobody
package struct StoreLayout: Sendable {
  package let root: String

  package init(root: String) { self.root = root }

  package var blobs: String { "\(root)/blobs" }
  package var partials: String { "\(root)/partial" }
  package var repositories: String { "\(root)/repositories" }

  /// What was found to be wrong.
  package var quarantine: String { "\(root)/quarantine" }

  /// What the blobs take, in bytes.
  package var usage: String { "\(root)/usage" }

  /// Locked by who evicts.
  package var evictorLock: String { "\(root)/evictor.lock" }

  /// Locked while a download is admitted.
  package var admissionLock: String { "\(root)/admission.lock" }

  /// Locked by who collects what serves nobody.
  package var collectorLock: String { "\(root)/collector.lock" }

  package func blob(_ digest: Digest) -> String { "\(root)/blobs/\(Self.relativePath(of: digest))" }

  /// The path of a blob below `blobs/`, which nginx has under its internal location.
  package static func relativePath(of digest: Digest) -> String {
    "\(digest.algorithm.rawValue)/\(digest.hex.prefix(2))/\(digest.hex)"
  }

  package func partial(_ digest: Digest) -> String { "\(partials)/\(digest.algorithm.rawValue)/\(digest.hex)" }

  package func partialRecord(_ digest: Digest) -> String { "\(partial(digest)).json" }

  package func blobLink(_ digest: Digest, in repository: UpstreamRepository) -> String {
    "\(blobLinks(in: repository))/\(digest.algorithm.rawValue)/\(digest.hex)"
  }

  package func manifest(_ digest: Digest, in repository: UpstreamRepository) -> String {
    "\(manifests(in: repository))/\(digest.algorithm.rawValue)/\(digest.hex).json"
  }

  package func tag(_ tag: TagName, _ variant: TagVariant = .any, in repository: UpstreamRepository) -> String {
    switch variant {
    case .any: "\(tags(in: repository))/\(tag).json"
    case .single: "\(singleTags(in: repository))/\(tag).json"
    case .exactly(let types): "\(exactTags(in: repository))/\(tag)/\(types.hex).json"
    }
  }

  package func blobLinks(in repository: UpstreamRepository) -> String { "\(directory(of: repository))/_blobs" }

  package func manifests(in repository: UpstreamRepository) -> String { "\(directory(of: repository))/_manifests" }

  package func tags(in repository: UpstreamRepository) -> String { "\(directory(of: repository))/_tags" }

  /// For clients that take no index.
  package func singleTags(in repository: UpstreamRepository) -> String { "\(tags(in: repository))/single" }

  /// For clients that take exactly some types: a directory for each tag.
  package func exactTags(in repository: UpstreamRepository) -> String { "\(tags(in: repository))/exact" }

  /// Whether a directory has the records of one tag for exact types.
  static func isOfExactTag(_ directory: String) -> Bool { FileSystem.parent(of: directory).hasSuffix("/_tags/exact") }

  private func directory(of repository: UpstreamRepository) -> String {
    "\(repositories)/\(repository.upstream)/\(repository.name)"
  }
}
