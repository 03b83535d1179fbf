import Synchronization

/// A response that a test reads at its own pace, or abandons.
package final class OpenExchange: Sendable {
  private struct State {
    var reader: ResponseReader
    var head: ResponseHead?
    var body = BodyCollector()
  }

  private let socket: ClientSocket
  private let state: Mutex<State>

  init(port: Int, request: RawRequest, stallLimit: Duration) throws {
    socket = try ClientSocket(port: port, stallLimit: stallLimit)
    state = Mutex(State(reader: ResponseReader(socket: socket, method: request.method)))
    try socket.write(request.bytes)
  }

  /// Waits for the head.
  @discardableResult
  package func head() async throws -> ResponseHead {
    try await onOwnThread { try self.state.withLock { try Self.readHead(&$0) } }
  }

  /// Reads until at least this many bytes of the body have arrived or the body ends; returns their number.
  @discardableResult
  package func read(atLeast count: Int) async throws -> Int {
    try await onOwnThread {
      try self.state.withLock { state in
        _ = try Self.readHead(&state)
        while state.body.length < count {
          let bytes = state.reader.readBody()
          if bytes.isEmpty { break }
          state.body.add(bytes)
        }
        return state.body.length
      }
    }
  }

  /// The first ``HTTPExchange/keptBytes`` of the body, as far as they were read.
  package var received: [UInt8] { state.withLock { $0.body.kept } }

  /// Reads to the end.
  package func finish() async throws -> HTTPExchange {
    try await onOwnThread {
      try self.state.withLock { state in
        let head = try Self.readHead(&state)
        while true {
          let bytes = state.reader.readBody()
          if bytes.isEmpty { break }
          state.body.add(bytes)
        }
        return state.body.makeExchange(head: head, isComplete: state.reader.isComplete)
      }
    }
  }

  /// Closes the connection in the middle of the response.
  package func leave() { socket.shutDown() }

  private static func readHead(_ state: inout State) throws -> ResponseHead {
    if let head = state.head { return head }
    let head = try state.reader.readHead()
    state.head = head
    return head
  }
}
