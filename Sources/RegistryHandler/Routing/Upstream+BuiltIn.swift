extension Upstream {
  /// The registries that work without a line of configuration.
  package static var builtIn: [Upstream] {
    [
      builtIn("docker.io", endpoint: "registry-1.docker.io", labels: ["docker", "docker-staging"]) {
        $0.aliases = ["index.docker.io", "registry-1.docker.io"]
        $0.hasLibrary = true
        $0.isDefault = true
      },
      builtIn("ghcr.io", labels: ["ghcr"]),
      builtIn("quay.io", labels: ["quay"]),
      builtIn("gcr.io", labels: ["gcr"]),
      builtIn("k8s.gcr.io", labels: ["k8s-gcr"]),
      builtIn("registry.k8s.io", labels: ["k8s"]),
      builtIn("mcr.microsoft.com", labels: ["mcr"]),
      builtIn("public.ecr.aws", labels: ["ecr"]),
      builtIn("docker.cloudsmith.io", labels: ["cloudsmith"]),
      builtIn("nvcr.io", labels: ["nvcr"]),
      builtIn("registry.gitlab.com", labels: ["gitlab"]),
    ].compactMap(\.self)
  }

  private static func builtIn(
    _ name: String,
    endpoint: String? = nil,
    labels: Set<String>,
    _ adjust: (inout Upstream) -> Void = { _ in }
  ) -> Upstream? {
    guard let upstreamName = UpstreamName(name) else { return nil }
    var upstream = Upstream(name: upstreamName, endpoints: [HTTPURL(scheme: .https, host: endpoint ?? name)])
    upstream.hostLabels = labels
    adjust(&upstream)
    return upstream
  }
}
