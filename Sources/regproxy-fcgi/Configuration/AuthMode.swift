/// The way a worker authenticates to an upstream.
enum AuthMode: String, CaseIterable {
  /// Requests tokens without credentials: public content only.
  case anonymous
  /// Uses the operator's account for all clients.
  case service
}
