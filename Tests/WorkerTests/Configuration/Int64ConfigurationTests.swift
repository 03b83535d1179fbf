internal import Testing

@testable internal import regproxy_fcgi

struct Int64ConfigurationTests {
  @Test(arguments: ["0GB", "5", "-1GB", "1.5GB", "1 GB", "1gb", "9000000TB", "99999999TB", "2000000TiB", "GB"])
  func `an invalid size is rejected with its line and key`(_ size: String) {
    let error = #expect(throws: ConfigurationError.self) {
      try Configuration(yaml: "store: {max_size: '\(size)'}", file: "f")
    }
    #expect(error?.line == 1)
    #expect(error?.message.contains("store.max_size") == true)
  }
}
