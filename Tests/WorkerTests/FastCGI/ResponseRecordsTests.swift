internal import Testing

@testable internal import regproxy_fcgi

struct ResponseRecordsTests {
  private let records = ResponseRecords(to: 258)

  private func output(_ content: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    records.append(content[...], to: &output)
    return output
  }

  @Test func `a record has the request's number and the length of its content`() {
    #expect(output([7, 8, 9]) == [1, 6, 1, 2, 0, 3, 0, 0, 7, 8, 9])
    #expect(output([]).isEmpty)
    var end: [UInt8] = []
    records.appendEnd(to: &end)
    #expect(end == [1, 3, 1, 2, 0, 8, 0, 0] + [UInt8](repeating: 0, count: 8))
  }

  @Test(arguments: [0, 1, 61_439, 61_440, 61_441, 70_000, 200_000])
  func `content that is too long for a record takes several`(_ count: Int) {
    let content = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    var rest = output(content)[...]
    var received: [UInt8] = []
    while !rest.isEmpty {
      let header = Array(rest.prefix(8))
      let length = Int(header[4]) << 8 | Int(header[5])
      #expect(length > 0 && length <= ResponseRecords.contentSize)
      received += rest.dropFirst(8).prefix(length)
      rest = rest.dropFirst(8 + length)
    }
    #expect(received == content)
    var appended: [UInt8] = []
    records.append(to: &appended) { $0 += content }
    #expect(appended == output(content))
  }
}
