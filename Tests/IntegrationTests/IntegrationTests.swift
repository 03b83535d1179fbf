internal import Foundation
internal import RegistryTestSupport
internal import Testing

/// Tests of the real worker behind a real nginx, one at a time: each needs the whole machine.
@Suite(.serialized)
struct IntegrationTests {}

/// Returns the part of a configuration that makes a scripted registry Docker Hub.
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
  /// Returns the number of GET requests for a blob of the repository.
  func gets(of digest: String, in repository: String = "library/app") -> Int {
    count("GET", "/v2/\(repository)/blobs/\(digest)")
  }
}
