internal import FoundationEssentials
internal import Logging
internal import RegistryHandler

@testable internal import regproxy_fcgi

extension FuzzInput {
  /// Checks two lines: a pattern, and a text that may match.
  func checkGlob() {
    let fields = fields(2)
    let (pattern, text) = (Array(fields[0].utf8.prefix(200)), Array(fields[1].utf8.prefix(200)))
    let glob = GlobPattern(String(decoding: pattern, as: UTF8.self))
    let name = String(decoding: text, as: UTF8.self)
    expectEqual(
      glob.matches(name),
      Self.matches(Array(glob.description.utf8), Array(name.utf8)),
      "the match of '\(glob)' and '\(name)' is misjudged"
    )
  }

  /// Returns whether a pattern matches by definition, with a table over all prefixes of both.
  private static func matches(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
    var row = [true] + text.map { _ in false }
    for byte in pattern {
      var next = [byte == UInt8(ascii: "*") && row[0]]
      for (index, character) in text.enumerated() {
        switch byte {
        case UInt8(ascii: "*"): next.append(row[index + 1] || next[index])
        case UInt8(ascii: "?"): next.append(row[index])
        default: next.append(row[index] && byte == character)
        }
      }
      row = next
    }
    return row[text.count]
  }

  /// Checks all bytes as a logged value.
  func checkLog() {
    var line = LogLine(.info, "request", format: .json)
    line.append("value", text)
    let bytes = line.finished()
    expect(
      bytes.last == UInt8(ascii: "\n") && bytes.dropLast().allSatisfy { $0 >= 0x20 },
      "a log line has a line break"
    )
    guard let fields = try? JSONDecoder().decode([String: String].self, from: Data(bytes)) else {
      fatalError("a log line is not JSON: \(String(decoding: bytes, as: UTF8.self))")
    }
    expectEqual(fields["value"].map { Array($0.utf8) }, Array(text.utf8), "a logged value has changed")
    var plain = LogLine(.info, "request", format: .text)
    plain.append("value", text)
    expect(plain.finished().dropLast().allSatisfy { $0 >= 0x20 }, "a log line has a line break")
  }

  /// Checks all bytes as a configuration file.
  func checkConfiguration() {
    do throws(ConfigurationError) {
      check(try Configuration(yaml: text, file: "fuzz.yaml"))
    } catch {
      expect(error.description.hasPrefix("fuzz.yaml"), "an error does not name the file: \(error)")
    }
  }

  private func check(_ configuration: Configuration) {
    expect(configuration.threads.min >= 1, "the minimum of threads is below 1")
    expect(configuration.threads.min <= configuration.threads.max, "the maximum of threads is below the minimum")
    expect(configuration.storeDirectory.hasPrefix("/"), "the path of the store is relative")
    checkLimits(configuration.storeLimits)
    let table = configuration.upstreamTable
    for upstream in table.upstreams {
      expect(!upstream.endpoints.isEmpty, "\(upstream.name) has no endpoint")
      expectEqual(
        table.upstream(named: upstream.name.description)?.name,
        upstream.name,
        "another upstream is found by the name"
      )
      expect(upstream.tagTTL >= .zero && upstream.staleIfError >= .zero, "a duration is negative")
      _ = TagFreshness(checkedAt: 0, now: .max, ttl: upstream.tagTTL, staleIfError: upstream.staleIfError)
    }
    guard let nginx = try? NginxConfiguration(configuration: configuration).locations(keepsConnections: false) else {
      fatalError("the nginx configuration cannot be assembled")
    }
    let passes = nginx.split(separator: "\n").filter { $0.contains("fastcgi_pass ") }
    for line in passes {
      expect(line.hasSuffix(";") && line.count { $0 == ";" } == 1, "a value ends a directive: \(line)")
    }
  }
  private func checkLimits(_ limits: StoreLimits) {
    let policy = EvictionPolicy(limits)
    for total in [0, 1 << 30, Int64(1) << 60] {
      for size in [0, 1 << 30, Int64.max] {
        let taken = StoreUsage.taken(by: size)
        expect(policy.excess(total: total, adding: taken, free: total) >= 0, "the excess is negative")
        expect(
          policy.excessOverHighWatermark(total: total, free: taken) >= 0,
          "the excess over the high watermark is negative"
        )
        expect(policy.excessOfPartials(total: total, free: taken) >= 0, "the excess of partial files is negative")
      }
    }
  }
}
