extension Duration {
  /// Parses `90s`, `1h30m`, `7d`: numbers with units, in any order, at least one.
  init?(configuration text: String) {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000]
    var total: Int64 = 0
    var digits = ""
    var isEmpty = true
    for character in text {
      if character.isASCII, character.isNumber {
        digits.append(character)
      } else {
        guard let unit = units[character], let number = Int64(digits), number < 1_000_000 else { return nil }
        total += number * unit
        digits = ""
        isEmpty = false
      }
    }
    guard digits.isEmpty, !isEmpty else { return nil }
    self = .seconds(total)
  }
}
