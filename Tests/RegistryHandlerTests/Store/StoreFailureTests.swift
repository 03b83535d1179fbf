internal import SystemPackage
internal import Testing

@testable internal import RegistryHandler

struct StoreFailureTests {
  @Test func `a failure of a file operation is described as its error`() {
    let error = FileError("write", "/s/partial/x", .noSpace)
    #expect(StoreFailure.file(error).description == error.description)
  }

  @Test func `a lack of room names the setting to change`() {
    #expect(StoreFailure.noRoom.description.hasSuffix("raise 'store.max_size'"))
  }
}
