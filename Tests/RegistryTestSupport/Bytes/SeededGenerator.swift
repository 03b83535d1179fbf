/// SplitMix64: the same numbers for the same seed, so that a failure can be repeated. <https://prng.di.unimi.it>
package struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var result = state
    result = (result ^ (result >> 30)) &* 0xBF58_476D_1CE4_E5B9
    result = (result ^ (result >> 27)) &* 0x94D0_49BB_1331_11EB
    return result ^ (result >> 31)
  }

  package mutating func bytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count + 8) { buffer, initialized in
      // Eight bytes a step, without an iterator: tests are built without optimisation.
      let raw = UnsafeMutableRawBufferPointer(buffer)
      var offset = 0
      while offset < count {
        raw.storeBytes(of: next(), toByteOffset: offset, as: UInt64.self)
        offset += 8
      }
      initialized = count
    }
  }

  /// Returns text of the characters, with an occasional byte that no name can hold.
  package mutating func text(of characters: String, upTo length: Int) -> String {
    let strange: [Character] = ["\0", "%", "\n", "\u{301}", "A", " ", "\\"]
    let count = Int.random(in: 0...length, using: &self)
    return String(
      (0..<count).map { _ in
        let isStrange = Int.random(in: 0..<50, using: &self) == 0
        return (isStrange ? strange : Array(characters)).randomElement(using: &self) ?? "a"
      }
    )
  }
}
