internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

/// Parses the names of tests, which are all valid.
enum Values {
  static func upstream(_ text: String) throws -> UpstreamName { try #require(UpstreamName(text)) }

  static func repository(_ text: String) throws -> RepositoryName { try #require(RepositoryName(text)) }

  static func tag(_ text: String) throws -> TagName { try #require(TagName(text)) }

  static func url(_ text: String) throws -> HTTPURL { try #require(HTTPURL(text)) }

  static func mediaType(_ text: String) throws -> MediaType { try #require(MediaType(text)) }

  static func digest(of text: String) throws -> Digest { try #require(Digest(sha256Digest(of: text))) }

  static func digest(of bytes: [UInt8]) throws -> Digest { try #require(Digest(sha256Digest(of: bytes))) }

  static func repository(_ upstream: String, _ repository: String) throws -> UpstreamRepository {
    UpstreamRepository(upstream: try self.upstream(upstream), name: try self.repository(repository))
  }
}
