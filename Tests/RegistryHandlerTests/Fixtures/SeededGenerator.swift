/// SplitMix64: the same numbers for the same seed, so that a failure can be repeated. <https://prng.di.unimi.it>
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var result = state
    result = (result ^ (result >> 30)) &* 0xBF58_476D_1CE4_E5B9
    result = (result ^ (result >> 27)) &* 0x94D0_49BB_1331_11EB
    return result ^ (result >> 31)
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    let words = (0..<(count / 8 + 1)).map { _ in next() }
    return words.withUnsafeBytes { Array($0.prefix(count)) }
  }

  /// Some text of the characters, and now and then of a byte that no name can hold.
  mutating func text(of characters: String, upTo length: Int) -> String {
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
