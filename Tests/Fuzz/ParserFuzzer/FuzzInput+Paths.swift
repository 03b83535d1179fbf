internal import RegistryHandler

extension FuzzInput {
  private static let layout = StoreLayout(root: "/store")

  /// Checks that every path of a route is inside the store.
  func expectPathsInStore(_ upstream: UpstreamName, _ route: Route) {
    guard let name = route.repository else { return }
    let repository = UpstreamRepository(upstream: upstream, name: name)
    switch route {
    case .manifest(_, .tag(let tag)): expectPathsInStore(tag, repository)
    case .manifest(_, .digest(let digest)), .blob(_, let digest), .referrers(_, let digest, _):
      expectPathsInStore(digest, repository)
    default: expectInStore(Self.layout.tags(in: repository))
    }
  }

  func expectPathsInStore(_ tag: TagName, _ repository: UpstreamRepository) {
    expectInStore(Self.layout.tag(tag, .any, in: repository))
    expectInStore(Self.layout.tag(tag, .single, in: repository))
  }

  func expectPathsInStore(_ digest: Digest, _ repository: UpstreamRepository) {
    expectInStore(Self.layout.blob(digest))
    expectInStore(Self.layout.partialRecord(digest))
    expectInStore(Self.layout.blobLink(digest, in: repository))
    expectInStore(Self.layout.manifest(digest, in: repository))
  }

  private func expectInStore(_ path: String) {
    let components = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    expect(components.count > 2 && components.first == "store", "\(path) is not below the store")
    for component in components {
      // The limits of a file name, in bytes.
      expect((1...255).contains(component.utf8.count), "\(path) has an empty or too long component")
      expect(component != "." && component != "..", "\(path) leads elsewhere")
      expect(component.utf8.allSatisfy(\.isVisible), "\(path) has a byte that no path of the store may have")
    }
  }
}
