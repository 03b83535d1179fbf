internal import FoundationEssentials
internal import Logging
internal import RegistryHandler

@testable internal import regproxy_fcgi

extension FuzzInput {
  /// Lines: a pattern, and a text that it may match.
  func checkGlob() {
    let fields = fields(2)
    let (pattern, text) = (Array(fields[0].utf8.prefix(200)), Array(fields[1].utf8.prefix(200)))
    let glob = GlobPattern(String(decoding: pattern, as: UTF8.self))
    let name = String(decoding: text, as: UTF8.self)
    expectEqual(
      glob.matches(name),
      Self.matches(Array(glob.description.utf8), Array(name.utf8)),
      "'\(glob)' matches '\(name)', or does not"
    )
  }

  /// Whether a pattern matches, by the definition: a table of all beginnings of both.
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

  /// The whole as a value that is logged.
  func checkLog() {
    var line = LogLine(.info, "request", format: .json)
    line.append("value", text)
    let bytes = line.finished()
    expect(bytes.last == UInt8(ascii: "\n") && bytes.dropLast().allSatisfy { $0 >= 0x20 }, "a line is several")
    guard let fields = try? JSONDecoder().decode([String: String].self, from: Data(bytes)) else {
      fatalError("a line is no JSON: \(String(decoding: bytes, as: UTF8.self))")
    }
    expectEqual(fields["value"].map { Array($0.utf8) }, Array(text.utf8), "a logged value is another one")
    var plain = LogLine(.info, "request", format: .text)
    plain.append("value", text)
    expect(plain.finished().dropLast().allSatisfy { $0 >= 0x20 }, "a line is several")
  }

  /// The whole as a configuration file.
  func checkConfiguration() {
    do throws(ConfigurationError) {
      check(try Configuration(yaml: text, file: "fuzz.yaml"))
    } catch {
      expect(error.description.hasPrefix("fuzz.yaml"), "an error does not name the file: \(error)")
    }
  }

  private func check(_ configuration: Configuration) {
    expect(configuration.threads.min >= 1, "there is no thread")
    expect(configuration.threads.min <= configuration.threads.max, "there are fewer threads than the least number")
    expect(configuration.storeDirectory.hasPrefix("/"), "the store is at a relative path")
    checkLimits(configuration.storeLimits)
    let table = configuration.upstreamTable
    for upstream in table.upstreams {
      expect(!upstream.endpoints.isEmpty, "\(upstream.name) has no endpoint")
      expectEqual(table.upstream(named: upstream.name.description)?.name, upstream.name, "an upstream is another one")
      expect(upstream.tagTTL >= .zero && upstream.staleIfError >= .zero, "a duration is negative")
      _ = TagFreshness(checkedAt: 0, now: .max, ttl: upstream.tagTTL, staleIfError: upstream.staleIfError)
    }
    guard let nginx = try? NginxConfiguration(configuration: configuration).locations() else {
      fatalError("there is no nginx configuration")
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
        expect(policy.excess(total: total, adding: taken, free: total) >= 0, "less than nothing has to go")
        expect(policy.excessOverHighWatermark(total: total, free: taken) >= 0, "less than nothing should go")
        expect(policy.excessOfPartials(total: total, free: taken) >= 0, "less than nothing of downloads has to go")
      }
    }
  }
}
