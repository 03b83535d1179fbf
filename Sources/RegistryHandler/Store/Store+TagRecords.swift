extension Store {
  /// The record of a tag, found on the disk.
  struct TagFile: Sendable {
    let tag: TagName
    let path: String
    /// The manifest that the tag was last seen as; `nil` when the record is unreadable.
    let digest: Digest?
  }

  /// The number of type sets that a tag's responses are recorded for at most: clients can make up any number.
  package static let maximumExactRecords = 8

  /// The records of all tags of a repository. Blocks.
  func tagRecords(in repository: UpstreamRepository) -> [TagFile] {
    tagRecordPaths(in: repository).compactMap { name, path in
      TagName(name).map { TagFile(tag: $0, path: path, digest: digest(ofTagAt: path)) }
    }
  }

  /// The paths of all tag records of a repository, with the names of the tags. Blocks.
  func tagRecordPaths(in repository: UpstreamRepository) -> [(tag: String, path: String)] {
    let byName = [layout.tags(in: repository), layout.singleTags(in: repository)].flatMap { directory in
      records(in: directory).map { (tag: $0.name, path: $0.path) }
    }
    let exact = layout.exactTags(in: repository)
    let byTypes = fileSystem.entries(of: exact).flatMap { tag in
      records(in: "\(exact)/\(tag)").map { (tag: tag, path: $0.path) }
    }
    return byName + byTypes
  }

  /// Returns whether a tag has a record for clients that accept exactly some types. Blocks.
  func hasExactRecord(of tag: TagName, in repository: UpstreamRepository) -> Bool {
    !fileSystem.entries(of: layout.exactTags(tag, in: repository)).isEmpty
  }

  /// Removes a tag's record, and the directory that is empty then. Blocks.
  func removeTagRecord(at path: String) {
    fileSystem.remove(path)
    let directory = FileSystem.parent(of: path)
    if StoreLayout.isOfExactTag(directory) { fileSystem.removeIfEmpty(directory) }
  }

  /// Removes the oldest of a tag's records for exact types, where there are too many. Blocks.
  func limitExactRecords(of tag: TagName, in repository: UpstreamRepository) {
    let records = records(in: layout.exactTags(tag, in: repository))
    guard records.count > Self.maximumExactRecords else { return }
    let files = records.map { (path: $0.path, lastCheck: recordedTag(at: $0.path)?.checkedAt ?? .min) }
    let surplus = files.sorted { ($0.lastCheck, $0.path) > ($1.lastCheck, $1.path) }.dropFirst(Self.maximumExactRecords)
    for file in surplus { fileSystem.remove(file.path) }
  }

  /// The records in a directory, with their names without the suffix.
  private func records(in directory: String) -> [(name: String, path: String)] {
    fileSystem.entries(of: directory).compactMap { file in
      StoreLayout.recordName(file).map { (name: $0, path: "\(directory)/\(file)") }
    }
  }
}
