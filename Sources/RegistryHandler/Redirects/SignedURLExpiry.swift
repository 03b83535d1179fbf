internal import FoundationEssentials

/// The expiry of a signed URL according to its own query; pure.
package enum SignedURLExpiry {
  /// Returns the expiry of a signature in seconds since 1970; `nil` if the URL states none.
  ///
  /// - S3: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
  /// - Google Cloud Storage: <https://cloud.google.com/storage/docs/authentication/signatures>
  /// - CloudFront, and S3 formerly: <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html>
  /// - Azure: <https://learn.microsoft.com/en-us/rest/api/storageservices/create-service-sas>
  package static func expiry(of url: HTTPURL) -> Int64? {
    guard let mark = url.target.firstIndex(of: "?"), let query = try? Query(url.target[mark...].dropFirst()) else {
      return nil
    }
    for vendor in ["X-Amz", "X-Goog"] {
      if let date = query["\(vendor)-Date"].flatMap(seconds(ofCompact:)),
        let life = query["\(vendor)-Expires"].flatMap({ Int64($0) }), (0...longestSignature).contains(life)
      {
        return date + life
      }
    }
    if let end = query["Expires"].flatMap({ Int64($0) }) { return end }
    guard query["sig"] != nil else { return nil }
    return query["se"].flatMap(seconds(ofExtended:))
  }

  /// Returns how long other clients may get a redirect to the URL, in seconds.
  ///
  /// Short, and never so long that the last client has less than half of the signature's lifetime left.
  package static func cacheLifetime(of url: HTTPURL, now: Int64) -> Int64 {
    guard let end = expiry(of: url) else { return lifetimeWithoutExpiry }
    let (left, overflows) = end.subtractingReportingOverflow(now)
    return overflows ? 0 : max(0, min(longestLifetime, left / 2))
  }

  /// The maximum lifetime: long enough for a burst of clients. Beyond it, storage may no longer serve the URL.
  private static let longestLifetime: Int64 = 30

  private static let lifetimeWithoutExpiry: Int64 = 5

  /// The longest lifetime of a signature: no vendor signs for more than a week, so a larger value is invalid.
  private static let longestSignature: Int64 = 604_800

  /// Parses `20260131T235959Z`.
  private static func seconds(ofCompact text: String) -> Int64? {
    let style = Date.ISO8601FormatStyle(dateSeparator: .omitted, dateTimeSeparator: .standard, timeSeparator: .omitted)
    return (try? style.parse(text)).flatMap(seconds)
  }

  /// Parses `2026-01-31T23:59:59Z`.
  private static func seconds(ofExtended text: String) -> Int64? {
    (try? Date.ISO8601FormatStyle().parse(text)).flatMap(seconds)
  }

  /// Returns the seconds since 1970; `nil` for a date out of range.
  private static func seconds(_ date: Date) -> Int64? { Int64(exactly: date.timeIntervalSince1970.rounded(.down)) }
}
