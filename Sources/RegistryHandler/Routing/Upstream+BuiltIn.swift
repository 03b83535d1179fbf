extension Upstream {
  /// The registries that work without configuration.
  package static var builtIn: [Upstream] {
    [
      builtIn("docker.io", endpoint: "registry-1.docker.io", labels: ["docker", "docker-staging"]) {
        $0.aliases = ["index.docker.io", "registry-1.docker.io"]
        $0.hasLibrary = true
        $0.isDefault = true
        $0.redirects.internalHosts = hosts("docker.io", "docker.com")
      },
      builtIn("ghcr.io", labels: ["ghcr"], storage: "pkg-containers.githubusercontent.com"),
      builtIn("quay.io", labels: ["quay"], storage: "quay.io"),
      builtIn("gcr.io", labels: ["gcr"], storage: "pkg.dev"),
      builtIn("k8s.gcr.io", labels: ["k8s-gcr"], storage: "registry.k8s.io", "pkg.dev"),
      builtIn("registry.k8s.io", labels: ["k8s"], storage: "pkg.dev"),
      builtIn("mcr.microsoft.com", labels: ["mcr"], storage: "data.mcr.microsoft.com"),
      builtIn("public.ecr.aws", labels: ["ecr"]),
      builtIn("docker.cloudsmith.io", labels: ["cloudsmith"], storage: "cloudsmith.io"),
      builtIn("nvcr.io", labels: ["nvcr"], storage: "nvcr.io", "ngc.nvidia.com"),
      builtIn("registry.gitlab.com", labels: ["gitlab"], storage: "cdn.registry.gitlab-static.net"),
    ].compactMap(\.self)
  }

  private static func hosts(_ texts: String...) -> [HostPattern] { texts.compactMap(HostPattern.init) }

  private static func builtIn(
    _ name: String,
    endpoint: String? = nil,
    labels: Set<String>,
    storage: String...,
    adjust: (inout Upstream) -> Void = { _ in }
  ) -> Upstream? {
    guard let upstreamName = UpstreamName(name) else { return nil }
    var upstream = Upstream(name: upstreamName, endpoints: [HTTPURL(scheme: .https, host: endpoint ?? name)])
    upstream.hostLabels = labels
    upstream.redirects.storageHosts += storage.compactMap(HostPattern.init)
    adjust(&upstream)
    return upstream
  }
}
