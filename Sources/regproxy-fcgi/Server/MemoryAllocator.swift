internal import CFastCGI
internal import Glibc
internal import RegistryHandler

/// The C library's allocator, configured to return the memory of a burst of requests.
enum MemoryAllocator {
  /// The size from which a block returns to the system when it is freed, in bytes.
  ///
  /// Larger than the buffers of downloads, which are reused all the time, and smaller than a large document.
  private static let mappingThreshold: Int32 = 512 << 10

  /// The interval at which smaller freed blocks return, in seconds. A trim takes less than a millisecond.
  private static let trimInterval: UInt32 = 30

  /// Sets the threshold. Call before any other thread exists.
  ///
  /// By default the allocator raises the threshold to the largest freed block, and from then on keeps such blocks.
  /// <https://man7.org/linux/man-pages/man3/mallopt.3.html>
  static func configure() { mallopt(M_MMAP_THRESHOLD, mappingThreshold) }

  /// Returns free memory at intervals, on a thread of its own, as long as the process runs.
  /// <https://man7.org/linux/man-pages/man3/malloc_trim.3.html>
  static func startTrimming() {
    OSThread.start {
      while true {
        sleep(trimInterval)
        malloc_trim(0)
      }
    }
  }
}
