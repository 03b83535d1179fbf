internal import RegistryHandler

extension FuzzInput {
  /// Checks all bytes as each kind of name.
  func checkNames() {
    let text = text
    checkStored(text)
    checkNetwork(text)
    checkHost(text)
    if let type = MediaType(text) {
      expectEqual(MediaType(type.description), type, "a media type changes when parsed again")
      expect(type.description.utf8.allSatisfy(\.isVisible), "a media type is not valid in a header")
    }
    let encoded = text.percentEncoded
    expect(encoded.utf8.allSatisfy { $0.isVisible && !"&=+#?/\"<>".utf8.contains($0) }, "\(encoded) is not encoded")
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) {
      expectEqual((try? Query("x=\(encoded)"))?["x"].map { Array($0.utf8) }, Array(text.utf8), "encoding loses bytes")
    }
  }

  private func checkStored(_ text: String) {
    let upstream = UpstreamName(text)
    if let upstream { expectEqual(upstream.description, text, "an upstream has another name") }
    let repository = RepositoryName(text)
    if let repository {
      expectEqual(repository.description, text, "a repository has another name")
      expectEqual(repository.isSingleComponent, !text.contains("/"), "a repository has another number of components")
      if let inside = repository.inside("library") {
        expectEqual(inside.description, "library/\(text)", "a library repository has another name")
      }
    }
    guard let repository = makeRepository(upstream, repository) else { return }
    expectPathsInStore(repository.upstream, .uploads(repository.name))
    if let digest = Digest(text) {
      expectEqual(digest.description, text, "a digest has another name")
      expectPathsInStore(digest, repository)
    }
    if let tag = TagName(text) {
      expectEqual(tag.description, text, "a tag has another name")
      expect(!text.contains("/") && !text.contains(":"), "a tag is a path or a digest: \(text)")
      expectPathsInStore(tag, repository)
    }
  }

  /// Makes a repository of the valid names, with defaults for the others.
  private func makeRepository(_ upstream: UpstreamName?, _ name: RepositoryName?) -> UpstreamRepository? {
    guard let upstream = upstream ?? UpstreamName("r.test"), let name = name ?? RepositoryName("a/b") else {
      return nil
    }
    return UpstreamRepository(upstream: upstream, name: name)
  }

  private func checkNetwork(_ text: String) {
    if let address = IPAddress(text) {
      expectEqual(IPAddress(address.description), address, "an address changes when parsed again")
      expect(IPNetwork(address.description)?.contains(address) == true, "\(address) is not in its own network")
      _ = address.isPublic
    }
    guard let network = IPNetwork(text) else { return }
    let base = text.prefix { $0 != "/" }
    expect(IPAddress(base).map { network.contains($0) } == true, "\(text) does not contain its own base")
  }

  private func checkHost(_ text: String) {
    guard let pattern = HostPattern(text) else { return }
    expectEqual(HostPattern(pattern.description), pattern, "\(pattern) changes when parsed again")
    guard let url = HTTPURL("http://\(text)/") else { fatalError("the pattern \(text) does not fit into a URL") }
    expect(pattern.matches(url) && pattern.matchesExactly(url), "\(pattern) does not match itself")
    guard !HostPattern.isAddress(url.host), !url.host.hasSuffix(".") else { return }
    let others = ["x\(url.host)", "\(url.host)x"].map { HTTPURL(scheme: .http, host: $0, port: url.port) }
    for other in others { expect(!pattern.matches(other), "\(pattern) matches \(other)") }
    let below = HTTPURL(scheme: .http, host: "x.\(url.host)", port: url.port)
    expect(
      pattern.matches(below) && !pattern.matchesExactly(below),
      "\(pattern) does not match \(below), or matches it exactly"
    )
  }
}
