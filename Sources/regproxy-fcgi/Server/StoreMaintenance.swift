internal import Glibc
internal import RegistryHandler

/// Background maintenance of the store on a thread of its own, as long as the process runs.
struct StoreMaintenance: Sendable {
  /// The interval between checks of the limits, in seconds.
  private static let interval: UInt32 = 5

  /// The number of checks between garbage collections: an hour.
  private static let checksPerCollection = 720

  private let evictor: Evictor

  init(_ evictor: Evictor) { self.evictor = evictor }

  func start() {
    OSThread.start { [evictor] in
      evictor.recount()
      var checks = 0
      while true {
        evictor.maintain()
        checks += 1
        if checks % Self.checksPerCollection == 0 { evictor.collectGarbage() }
        sleep(Self.interval)
      }
    }
  }
}
