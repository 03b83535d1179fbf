internal import Glibc
internal import RegistryHandler

/// Keeps the store in order on a thread of its own, as long as the process lives.
struct StoreMaintenance: Sendable {
  /// How often the limits are looked at, in seconds.
  private static let interval: UInt32 = 5

  /// After how many scans what serves nobody is collected: an hour.
  private static let scansPerCollection = 720

  private let evictor: Evictor

  init(_ evictor: Evictor) { self.evictor = evictor }

  func start() {
    OSThread.start { [evictor] in
      evictor.recount()
      var scans = 0
      while true {
        evictor.maintain()
        scans += 1
        if scans % Self.scansPerCollection == 0 { evictor.collectGarbage() }
        sleep(Self.interval)
      }
    }
  }
}
