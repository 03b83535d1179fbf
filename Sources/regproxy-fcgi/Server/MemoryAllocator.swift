internal import CFastCGI
internal import Glibc
internal import RegistryHandler

/// The C library's allocator, told to give back what a burst of requests has left.
enum MemoryAllocator {
  /// The size of a block from which on it goes back to the system when it is freed, in bytes.
  ///
  /// Larger than the buffers that downloads read into, which are used again and again, and smaller than a large document.
  private static let mappingThreshold: Int32 = 512 << 10

  /// How often smaller blocks that were freed go back, in seconds. It takes less than a millisecond.
  private static let trimInterval: UInt32 = 30

  /// Call before any other thread is there.
  ///
  /// Left to itself the allocator raises the threshold to the largest block that was freed, and from then on keeps such blocks.
  /// <https://man7.org/linux/man-pages/man3/mallopt.3.html>
  static func configure() { mallopt(M_MMAP_THRESHOLD, mappingThreshold) }

  /// Gives back what is free from time to time, on a thread of its own, as long as the process lives.
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
