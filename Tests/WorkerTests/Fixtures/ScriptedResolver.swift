internal import RegistryHandler
internal import Synchronization

@testable internal import regproxy_fcgi

/// A resolver with scripted results, one per lookup; the last one repeats.
final class ScriptedResolver: AddressResolver {
  private let state: Mutex<(results: [[String]], lookups: [String])>

  init(_ results: [[String]]) { state = Mutex((results, [])) }

  /// The hosts that were looked up.
  var lookups: [String] { state.withLock(\.lookups) }

  func addresses(of host: String) async throws(UpstreamError) -> [IPAddress] {
    state.withLock { state in
      state.lookups.append(host)
      let result = state.results.count > 1 ? state.results.removeFirst() : state.results[0]
      return result.compactMap { IPAddress($0) }
    }
  }
}
