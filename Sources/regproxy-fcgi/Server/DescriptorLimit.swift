internal import Glibc

/// The limit on the descriptors of the process.
enum DescriptorLimit {
  /// Raises the limit as far as the system allows: a stream needs three descriptors, and the usual soft limit is 1024.
  /// - Returns: the number of descriptors that the process may have.
  static func raise() -> Int {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return .max }
    limit.rlim_cur = limit.rlim_max
    setrlimit(resource, &limit)
    guard getrlimit(resource, &limit) == 0 else { return .max }
    return Int(clamping: limit.rlim_cur)
  }
}
