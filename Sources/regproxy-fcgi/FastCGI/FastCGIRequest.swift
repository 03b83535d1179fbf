internal import CFastCGI
internal import Glibc
internal import RegistryHandler
internal import SystemPackage

/// One FastCGI request on a connection, from its parameters to its last record.
///
/// A request is finished once, or abandoned: dropping it without `finish()` closes the connection with no end record,
/// and nginx then aborts the response to the client instead of passing it off as complete.
/// <https://fastcgi-archives.github.io/FastCGI_Specification.html>
struct FastCGIRequest: ~Copyable {
  /// A failed write: the client, or nginx on its behalf, has disconnected.
  struct WriteError: Error {}

  private let request: UnsafeMutablePointer<FCGX_Request>

  /// Reads the parameters of the request on a connection and takes the connection over. Blocks, at most for the receive
  /// time-out; `nil` if no complete request arrives.
  init?(connection: Int32) {
    let request = UnsafeMutablePointer<FCGX_Request>.allocate(capacity: 1)
    FCGX_InitRequest(request, -1, 0)
    request.pointee.ipcFd = connection
    // Keeps the library from closing the connection when it finishes the request it believes came before.
    request.pointee.keepConnection = 1
    guard FCGX_Accept_r(request) == 0 else {
      if request.pointee.ipcFd >= 0 { close(request.pointee.ipcFd) }
      request.deallocate()
      return nil
    }
    request.pointee.keepConnection = 1
    self.request = request
  }

  deinit {
    let connection = request.pointee.ipcFd
    FCGX_Free(request, 0)
    if connection >= 0 { close(connection) }
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

  /// Appends bytes to the response. Blocks while nginx accepts none.
  func write(_ bytes: UnsafeRawBufferPointer) throws(WriteError) {
    guard put(bytes) else { throw WriteError() }
  }

  /// Appends bytes to the response. Blocks while nginx accepts none.
  func write(_ bytes: [UInt8]) throws(WriteError) {
    guard bytes.withUnsafeBytes({ put($0) }) else { throw WriteError() }
  }

  /// Appends the beginning of a part of a file to the response, in a record of our own: libfcgi would copy it through
  /// 8 KiB at a time. Earlier output must be flushed first. Blocks while nginx accepts none.
  /// - Returns: the length of the appended part, in bytes.
  func writeRecord(_ part: Range<Int64>, of file: OpenFile) throws -> Int64 {
    let content = part.prefix(Self.recordContentSize)
    try writeHeader(contentLength: UInt16(content.count))
    do throws(FileError) {
      try file.send(content, to: request.pointee.ipcFd)
    } catch {
      if Self.socketErrors.contains(error.errno) { throw WriteError() }
      throw error
    }
    return Int64(content.count)
  }

  /// The content of a full record: whole pages, below the limit of 65,535, in bytes.
  private static let recordContentSize = 60 * 1024

  /// The errors of the socket; any other error is the file's. The second is the send time-out.
  private static let socketErrors: Set<Errno> = [.brokenPipe, .wouldBlock, .connectionReset, .socketNotConnected]

  /// Writes the header of a record. <https://fastcgi-archives.github.io/FastCGI_Specification.html#S3.3>
  private func writeHeader(contentLength: UInt16) throws(WriteError) {
    let id = UInt16(truncatingIfNeeded: request.pointee.requestId)
    let header: [UInt8] = [
      UInt8(FCGI_VERSION_1), UInt8(FCGI_STDOUT), UInt8(id >> 8), UInt8(id & 255), UInt8(contentLength >> 8),
      UInt8(contentLength & 255), 0, 0,
    ]
    let sent = send(request.pointee.ipcFd, header, header.count, Int32(MSG_NOSIGNAL))
    guard sent == header.count else { throw WriteError() }
  }

  private func put(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress, !bytes.isEmpty else { return true }
    let count = Int32(bytes.count)
    return FCGX_PutStr(base.assumingMemoryBound(to: CChar.self), count, request.pointee.out) == count
  }

  /// Sends everything written so far. Blocks while nginx accepts none.
  func flush() throws(WriteError) {
    guard FCGX_FFlush(request.pointee.out) == 0 else { throw WriteError() }
  }

  /// Ends the response as complete.
  consuming func finish() { FCGX_Finish_r(request) }
}
