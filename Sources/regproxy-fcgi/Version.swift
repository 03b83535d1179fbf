/// The version of the program, shown by `--version` and in `User-Agent`.
enum Version {
  static let current = "0.1.0"
}
