/// The version of the program, as `--version` and the `User-Agent` tell it.
enum Version {
  static let current = "0.1.0"
}
