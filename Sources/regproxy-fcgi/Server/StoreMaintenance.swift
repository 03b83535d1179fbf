internal import Glibc
internal import RegistryHandler

/// Keeps the store in order on a thread of its own, as long as the process lives.
struct StoreKeeper: Sendable {
  /// How often the limits are looked at, in seconds.
  private static let interval: UInt32 = 5

  /// After how many looks what serves nobody is collected: an hour.
  private static let looksPerCollection = 720

  private let evictor: Evictor

  init(_ evictor: Evictor) { self.evictor = evictor }

  func start() {
    OSThread.start { [evictor] in
      evictor.recount()
      var looks = 0
      while true {
        evictor.maintain()
        looks += 1
        if looks % Self.looksPerCollection == 0 { evictor.collect() }
        sleep(Self.interval)
      }
    }
  }
}
