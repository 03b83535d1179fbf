internal import Glibc
internal import RegistryHandler

extension ProxyName {
  /// Creates the name of all processes that serve a store on this host, and of no other proxy: two proxies of one name
  /// could not be each other's upstream. The name is random if the store or the host cannot be identified.
  init(ofStore directory: String) {
    var status = stat()
    guard stat(directory, &status) == 0, let host = Self.bootID() else {
      self.init()
      return
    }
    self.init(of: "\(host) \(status.st_dev) \(status.st_ino)")
  }

  /// Returns an identifier of this host, unique to its current boot.
  /// <https://man7.org/linux/man-pages/man5/proc_sys_kernel.5.html>
  private static func bootID() -> String? {
    guard let file = fopen("/proc/sys/kernel/random/boot_id", "re") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = fread(&bytes, 1, bytes.count, file)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
}
