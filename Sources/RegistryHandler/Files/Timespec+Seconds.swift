internal import Glibc

extension timespec {
  /// The whole seconds. The first field is read by its offset, since its name cannot be used in every build.
  var seconds: Int64 { withUnsafeBytes(of: self) { Int64($0.load(as: Int.self)) } }
}
