/// An error in the form that clients of registries understand.
/// <https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#error-codes>
package struct RegistryError: Error, Equatable, Sendable {
  package enum Code: String, Sendable {
    case blobUnknown = "BLOB_UNKNOWN"
    case denied = "DENIED"
    case digestInvalid = "DIGEST_INVALID"
    case manifestUnknown = "MANIFEST_UNKNOWN"
    case nameInvalid = "NAME_INVALID"
    case nameUnknown = "NAME_UNKNOWN"
    case tagInvalid = "TAG_INVALID"
    case tooManyRequests = "TOOMANYREQUESTS"
    case unavailable = "UNAVAILABLE"
    case unsupported = "UNSUPPORTED"
  }

  package let status: Int
  package let code: Code
  /// A sentence that says what the user or the operator can do.
  package let message: String
  package var upstream: UpstreamName?
  package var upstreamStatus: Int?
  package var retryAfter: String?
  package var routes: [String] = []

  package init(_ status: Int, _ code: Code, _ message: String) {
    self.status = status
    self.code = code
    self.message = message
  }
}
