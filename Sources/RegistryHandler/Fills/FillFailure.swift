/// The reason why a fill ended without the blob.
package enum FillFailure: Error, Equatable, Sendable {
  case upstream(UpstreamError)
  /// The store did not take the blob.
  case store(StoreFailure)
  /// Upstream broke off, and then sent other content than it had announced.
  case contentChanged
  /// Upstream broke off, and then redirected elsewhere: the clients already have response headers.
  case redirectedAway
  /// Another process gave up the file that clients read.
  case fileReplaced
  /// Nobody reads the download any more; its partial file stays for the next client.
  case abandoned

  /// Indicates whether each client can get the blob from upstream by itself.
  package var permitsBypass: Bool {
    switch self {
    case .store, .fileReplaced: true
    case .upstream, .contentChanged, .redirectedAway, .abandoned: false
    }
  }

  /// Indicates whether upstream's response is to blame, so that another endpoint may do better.
  var isOfUpstream: Bool {
    switch self {
    case .upstream, .contentChanged, .redirectedAway: true
    case .store, .fileReplaced, .abandoned: false
    }
  }

  var isTransient: Bool {
    if case .upstream(let error) = self { error.isTransient } else { false }
  }

  var isTimeout: Bool {
    if case .upstream(let error) = self { error.isTimeout } else { false }
  }

  /// The failure as a client's request sees it.
  package var upstreamError: UpstreamError {
    switch self {
    case .upstream(let error): error
    case .contentChanged, .redirectedAway: UpstreamError(.invalidResponse, description)
    case .store, .fileReplaced: UpstreamError(.unavailable, description)
    case .abandoned: UpstreamError(.cancelled, description)
    }
  }
}

extension FillFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .upstream(let error): error.reason
    case .store(let failure): "the blob could not be stored: \(failure)"
    case .contentChanged: "upstream broke off, and then sent another part or size than it had announced"
    case .redirectedAway: "upstream broke off, and then redirected to a host that is not in 'storage_hosts:'"
    case .fileReplaced: "another process gave up the file that clients read"
    case .abandoned: "nobody reads the download any more"
    }
  }
}
