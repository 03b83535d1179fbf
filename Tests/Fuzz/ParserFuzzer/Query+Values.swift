internal import RegistryHandler

extension Query {
  /// Returns every value of a parameter.
  func values(of name: String) -> [String] { parameters.filter { $0.name == name }.map(\.value) }
}
