internal import CFastCGI
internal import Glibc

/// The parameters of a FastCGI request.
/// <https://fastcgi-archives.github.io/FastCGI_Specification.html>
struct FastCGIRequest: ~Copyable {
  private let request: UnsafeMutablePointer<FCGX_Request>

  /// The number of the request on its connection.
  var id: UInt16 { UInt16(truncatingIfNeeded: request.pointee.requestId) }

  /// Reads the parameters of a request that has arrived; `nil` if libfcgi does not accept it.
  ///
  /// The connection stays open, unless libfcgi closes it.
  init?(arrivedOn connection: Connection, _ records: RequestRecords) {
    let request = UnsafeMutablePointer<FCGX_Request>.allocate(capacity: 1)
    FCGX_InitRequest(request, -1, 0)
    request.pointee.ipcFd = connection.descriptor
    // Keeps the library from closing the connection when it finishes the request it believes came before.
    request.pointee.keepConnection = 1
    guard FCGX_Accept_r(request) == 0 else {
      if request.pointee.ipcFd < 0 { connection.noteClosed() }
      FCGX_Free(request, 0)
      request.deallocate()
      return nil
    }
    request.pointee.keepConnection = 1
    // An unread body would reset the connection when it is closed.
    if records.completeness == .whole { while FCGX_GetChar(request.pointee.in) >= 0 {} }
    self.request = request
  }

  deinit {
    FCGX_Free(request, 0)
    request.deallocate()
  }

  /// Calls the closure with every parameter in nginx's order; a header sent twice appears twice.
  ///
  /// Calling `value` copies the library's bytes, which live as long as the request.
  func forEachParameter(_ body: (_ name: String, _ value: () -> String) -> Void) {
    guard var entry = request.pointee.envp else { return }
    while let text = entry.pointee {
      entry += 1
      guard let equals = strchr(text, Int32(UInt8(ascii: "="))) else { continue }
      let nameLength = text.distance(to: UnsafeMutablePointer(equals))
      let name = UnsafeRawBufferPointer(start: text, count: nameLength)
      body(String(decoding: name, as: UTF8.self)) { String(cString: equals + 1) }
    }
  }
}
