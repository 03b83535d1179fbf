/// Incompressible bytes that are the same in every run for the same seed.
package enum DeterministicBytes {
  package static func make(count: Int, seed: UInt64) -> [UInt8] {
    var random = SeededGenerator(seed: seed)
    return random.bytes(count)
  }
}

extension Int {
  package static func kilobytes(_ count: Int) -> Int { count << 10 }
  package static func megabytes(_ count: Int) -> Int { count << 20 }
}
