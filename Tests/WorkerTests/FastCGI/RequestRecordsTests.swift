internal import Testing

@testable internal import regproxy_fcgi

struct RequestRecordsTests {
  private static let begin: [UInt8] = [1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
  private static let parameters: [UInt8] = [1, 4, 0, 1, 0, 4, 4, 0, 1, 1, 65, 66, 0, 0, 0, 0]
  private static let endOfParameters: [UInt8] = [1, 4, 0, 1, 0, 0, 0, 0]
  private static let body: [UInt8] = [1, 5, 0, 1, 0, 3, 0, 0, 1, 2, 3]
  private static let endOfBody: [UInt8] = [1, 5, 0, 1, 0, 0, 0, 0]
  private static let request = begin + parameters + endOfParameters

  private func completeness(_ bytes: [UInt8]) -> RequestRecords.Completeness {
    bytes.withUnsafeBytes { RequestRecords($0).completeness }
  }

  @Test(
    arguments: [
      ([], .incomplete), (begin, .incomplete), (begin + parameters, .incomplete), (request, .parameters),
      (request + body, .parameters), (request + endOfBody, .whole), (request + body + endOfBody, .whole),
      // A question for the limits of the library, which would crash it.
      ([1, 9, 0, 0, 0, 0, 0, 0], .invalid), (begin + [1, 9, 0, 0, 0, 0, 0, 0], .invalid),
      // No beginning, another beginning, another version, HTTP.
      (parameters, .invalid), (begin + begin, .invalid), ([2] + begin.dropFirst(), .invalid),
      (Array("GET / HTTP/1.1\r\n".utf8), .invalid),
      // Another role, a beginning of another size, another request, a body before the end of the parameters.
      ([1, 1, 0, 1, 0, 8, 0, 0, 0, 2] + begin.dropFirst(10), .invalid),
      ([1, 1, 0, 1, 0, 9] + begin.dropFirst(6), .invalid),
      (begin + [1, 4, 0, 2, 0, 0, 0, 0], .invalid), (begin + body, .invalid),
      // A name, a length and a value that are longer than the record.
      (begin + [1, 4, 0, 1, 0, 2, 0, 0, 9, 0] + endOfParameters, .invalid),
      (begin + [1, 4, 0, 1, 0, 2, 0, 0, 0x80, 0] + endOfParameters, .invalid),
      (begin + [1, 4, 0, 1, 0, 6, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0] + endOfParameters, .invalid),
      // A long length, and a pair that two records share.
      (begin + [1, 4, 0, 1, 0, 6, 0, 0, 1, 0x80, 0, 0, 0, 65] + endOfParameters, .parameters),
      (begin + [1, 4, 0, 1, 0, 2, 0, 0, 1, 1, 1, 4, 0, 1, 0, 2, 0, 0, 65, 66] + endOfParameters, .parameters),
      // An abort.
      (begin + [1, 2, 0, 1, 0, 0, 0, 0], .invalid),
    ] as [([UInt8], RequestRecords.Completeness)]
  )
  func `a request is complete with its last record`(_ bytes: [UInt8], _ expected: RequestRecords.Completeness) {
    #expect(completeness(bytes) == expected)
  }

  @Test(
    arguments: [
      (request + endOfBody, true), (request + body + endOfBody, true),
      // Without the flag, before the end of the body, and with a further request behind it.
      (begin.prefix(10) + [0] + begin.dropFirst(11) + parameters + endOfParameters + endOfBody, false),
      (request, false), (request + body, false), (request + endOfBody + begin, false),
    ] as [([UInt8], Bool)]
  )
  func `a connection is kept after a whole request that asks for it`(_ bytes: [UInt8], _ isKept: Bool) {
    #expect(bytes.withUnsafeBytes { RequestRecords($0).isConnectionKept } == isKept)
  }

  @Test func `a request that arrives byte by byte is never complete too early`() {
    let whole = Self.request + Self.body + Self.endOfBody
    for count in whole.indices {
      let expected: RequestRecords.Completeness = count < Self.request.count ? .incomplete : .parameters
      #expect(completeness(Array(whole.prefix(count))) == expected, "\(count) bytes")
    }
  }

  @Test func `parameters without end are refused`() {
    let endless = Self.begin + [UInt8]([1, 4, 0, 1, 255, 255, 0, 0]) + [UInt8](repeating: 0, count: 70_000)
    #expect(completeness(endless + [UInt8](repeating: 1, count: 60_000)) == .invalid)
  }
}
