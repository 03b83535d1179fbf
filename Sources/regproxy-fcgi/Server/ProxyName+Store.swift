internal import Glibc
internal import RegistryHandler

extension ProxyName {
  /// The name that all processes have which serve a store on this host, and no other proxy: two of one name could not ask
  /// each other. A random one where the host tells too little.
  init(ofStore directory: String) {
    var status = stat()
    guard stat(directory, &status) == 0, let host = Self.bootID() else {
      self.init()
      return
    }
    self.init(of: "\(host) \(status.st_dev) \(status.st_ino)")
  }

  /// What no other host has, nor this one after it has been started anew. <https://man7.org/linux/man-pages/man5/proc_sys_kernel.5.html>
  private static func bootID() -> String? {
    guard let file = fopen("/proc/sys/kernel/random/boot_id", "re") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = fread(&bytes, 1, bytes.count, file)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
}
