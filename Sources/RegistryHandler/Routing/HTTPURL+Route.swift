extension HTTPURL {
  /// The URL of a route at the registry whose base URL this is.
  package func url(for route: Route) -> HTTPURL {
    replacingTarget((target.hasSuffix("/") ? String(target.dropLast()) : target) + route.target)
  }
}
