extension Store {
  /// A tag's record, found on the disk.
  struct TagFile: Sendable {
    let tag: TagName
    let path: String
    /// What the tag was last seen as; `nil` where that cannot be read.
    let digest: Digest?
  }

  /// Sets of types that a tag's answers are recorded for at most: clients can make up any number.
  package static let maximumExactRecords = 8

  /// The records of all tags of a repository. Blocks.
  func tagRecords(in repository: UpstreamRepository) -> [TagFile] {
    tagRecordPaths(in: repository).compactMap { name, path in
      TagName(name).map { TagFile(tag: $0, path: path, digest: digest(ofTagAt: path)) }
    }
  }

  /// Where the records of all tags of a repository are, and the tags by name. Blocks.
  func tagRecordPaths(in repository: UpstreamRepository) -> [(tag: String, path: String)] {
    let byName = [layout.tags(in: repository), layout.singleTags(in: repository)].flatMap { directory in
      records(in: directory).map { (tag: $0, path: "\(directory)/\($0).json") }
    }
    let exact = layout.exactTags(in: repository)
    let byTypes = fileSystem.entries(of: exact).flatMap { tag in
      records(in: "\(exact)/\(tag)").map { (tag: tag, path: "\(exact)/\(tag)/\($0).json") }
    }
    return byName + byTypes
  }

  /// Whether a tag was seen by clients that take exactly some types. Blocks.
  func hasExactRecord(of tag: TagName, in repository: UpstreamRepository) -> Bool {
    !fileSystem.entries(of: "\(layout.exactTags(in: repository))/\(tag)").isEmpty
  }

  /// Removes a tag's record, and what is empty then. Blocks.
  func removeTagRecord(at path: String) {
    fileSystem.remove(path)
    let directory = FileSystem.parent(of: path)
    if StoreLayout.isOfExactTag(directory) { fileSystem.removeIfEmpty(directory) }
  }

  /// Removes the oldest of a tag's records for exact types, where there are too many. Blocks.
  func limitExactRecords(of tag: TagName, in repository: UpstreamRepository) {
    let directory = "\(layout.exactTags(in: repository))/\(tag)"
    let names = records(in: directory)
    guard names.count > Self.maximumExactRecords else { return }
    let files = names.map { name in
      let path = "\(directory)/\(name).json"
      return (path: path, lastCheck: recordedTag(at: path)?.checkedAt ?? .min)
    }
    let surplus = files.sorted { ($0.lastCheck, $0.path) > ($1.lastCheck, $1.path) }.dropFirst(Self.maximumExactRecords)
    for file in surplus { fileSystem.remove(file.path) }
  }

  /// The names of the records in a directory.
  private func records(in directory: String) -> [String] {
    fileSystem.entries(of: directory).filter { $0.hasSuffix(".json") }.map { String($0.dropLast(".json".count)) }
  }
}
