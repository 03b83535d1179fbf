internal import CFastCGI
internal import Glibc
internal import RegistryHandler
internal import SystemPackage

/// One FastCGI request over a connection, from its parameters to its last record.
///
/// It is finished once, or given up: what is dropped without `finish()` closes the connection with no end record, and
/// nginx then breaks the client off rather than take what it got for the whole.
/// <https://fastcgi-archives.github.io/FastCGI_Specification.html>
struct FastCGIRequest: ~Copyable {
  /// A write that failed: the client, or nginx on its behalf, is gone.
  struct WriteError: Error {}

  private let request: UnsafeMutablePointer<FCGX_Request>

  /// Reads the parameters of the request on a connection and takes the connection over. Blocks, for the receive time-out
  /// at most; `nil` when no whole request came.
  init?(connection: Int32) {
    let request = UnsafeMutablePointer<FCGX_Request>.allocate(capacity: 1)
    FCGX_InitRequest(request, -1, 0)
    request.pointee.ipcFd = connection
    // Tells the library to leave the connection alone when it finishes the request that it believes to be before.
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

  /// Calls back with every parameter in nginx's order; a header that was sent twice comes twice.
  ///
  /// The value is made of the library's bytes, which live as long as the request, only when it is asked for.
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

  /// Appends bytes to the answer. Blocks while nginx takes none.
  func write(_ bytes: UnsafeRawBufferPointer) throws(WriteError) {
    guard put(bytes) else { throw WriteError() }
  }

  /// Appends bytes to the answer. Blocks while nginx takes none.
  func write(_ bytes: [UInt8]) throws(WriteError) {
    guard bytes.withUnsafeBytes({ put($0) }) else { throw WriteError() }
  }

  /// Appends the beginning of a part of a file to the answer, in a record of our own: libfcgi would copy it through 8 KiB at
  /// a time. What was written before has to be flushed. Blocks while nginx takes none.
  /// - Returns: how much it is, in bytes.
  func writeRecord(_ part: Range<Int64>, of file: OpenFile) throws -> Int64 {
    let content = part.prefix(Self.contentOfRecord)
    try writeHeader(contentLength: UInt16(content.count))
    do throws(FileError) {
      try file.send(content, to: request.pointee.ipcFd)
    } catch {
      if Self.failuresOfPeer.contains(error.errno) { throw WriteError() }
      throw error
    }
    return Int64(content.count)
  }

  /// Whole pages, below the 65,535 bytes that a record holds.
  private static let contentOfRecord = 60 * 1024

  /// What a socket fails with; anything else is the file's failure. The second is the send time-out.
  private static let failuresOfPeer: Set<Errno> = [.brokenPipe, .wouldBlock, .connectionReset, .socketNotConnected]

  /// <https://fastcgi-archives.github.io/FastCGI_Specification.html#S3.3>
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

  /// Sends what has been written so far. Blocks while nginx takes none.
  func flush() throws(WriteError) {
    guard FCGX_FFlush(request.pointee.out) == 0 else { throw WriteError() }
  }

  /// Ends the answer as complete.
  consuming func finish() { FCGX_Finish_r(request) }
}
