/// Incompressible bytes that are the same in every run for the same seed.
package enum DeterministicBytes {
  package static func make(count: Int, seed: UInt64) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count + 8) { buffer, initialized in
      // xorshift64*: <https://doi.org/10.18637/jss.v008.i14>. Eight bytes a step: tests are built without optimisation.
      var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
      let raw = UnsafeMutableRawBufferPointer(buffer)
      var offset = 0
      while offset < count {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        raw.storeBytes(of: state &* 0x2545_F491_4F6C_DD1D, toByteOffset: offset, as: UInt64.self)
        offset += 8
      }
      initialized = count
    }
  }
}

extension Int {
  package static func kilobytes(_ count: Int) -> Int { count << 10 }
  package static func megabytes(_ count: Int) -> Int { count << 20 }
}
