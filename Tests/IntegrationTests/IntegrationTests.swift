internal import Foundation
internal import RegistryTestSupport
internal import Testing

/// Everything here runs the real worker behind a real nginx. One test at a time: each wants the machine.
@Suite(.serialized)
struct IntegrationTests {}

/// The part of a configuration that makes a scripted registry Docker Hub.
func dockerHub(at registry: ScriptedRegistry, _ more: String = "") -> String {
  """
  threads: {min: 4, max: 256}
  domain: mirror.test
  upstreams:
    docker.io: {endpoints: ["\(registry.url)"]}
  \(more)
  """
}

extension ScriptedRegistry {
  /// How often a blob was asked for in the library.
  func gets(of digest: String, in repository: String = "library/app") -> Int {
    count("GET", "/v2/\(repository)/blobs/\(digest)")
  }
}
