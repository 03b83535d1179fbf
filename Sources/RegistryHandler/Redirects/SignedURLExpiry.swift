internal import FoundationEssentials

/// When a signed URL stops being good, as its own query says; pure.
package enum SignedURLExpiry {
  /// The end of a signature in seconds since 1970; `nil` where the URL tells none.
  ///
  /// - S3: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
  /// - Google Cloud Storage: <https://cloud.google.com/storage/docs/authentication/signatures>
  /// - CloudFront, and S3 before: <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html>
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

  /// How long a redirect to the URL may be handed to other clients, in seconds: short, and never so long that the last of
  /// them would have less than half of its life left.
  package static func cacheLifetime(of url: HTTPURL, now: Int64) -> Int64 {
    guard let end = expiry(of: url) else { return lifetimeWithoutExpiry }
    let (left, overflows) = end.subtractingReportingOverflow(now)
    return overflows ? 0 : max(0, min(longestLifetime, left / 2))
  }

  /// For a burst of clients; a longer one would only keep an address that storage has given up.
  private static let longestLifetime: Int64 = 30

  private static let lifetimeWithoutExpiry: Int64 = 5

  /// No vendor signs for longer than a week; more is no duration.
  private static let longestSignature: Int64 = 604_800

  /// `20260131T235959Z`
  private static func seconds(ofCompact text: String) -> Int64? {
    let style = Date.ISO8601FormatStyle(dateSeparator: .omitted, dateTimeSeparator: .standard, timeSeparator: .omitted)
    return (try? style.parse(text)).flatMap(seconds)
  }

  /// `2026-01-31T23:59:59Z`
  private static func seconds(ofExtended text: String) -> Int64? {
    (try? Date.ISO8601FormatStyle().parse(text)).flatMap(seconds)
  }

  /// `nil` for a date beyond all clocks.
  private static func seconds(_ date: Date) -> Int64? { Int64(exactly: date.timeIntervalSince1970.rounded(.down)) }
}
