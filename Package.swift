// swift-tools-version: 6.2

import PackageDescription

let settings: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
  name: "regproxy-fcgi",
  products: [
    .executable(name: "regproxy-fcgi", targets: ["regproxy-fcgi"]),
    // Preloaded by a test into the worker; nothing else uses it.
    .library(name: "CrashPoint", type: .dynamic, targets: ["CrashPoint"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
    .package(url: "https://github.com/apple/swift-system.git", from: "1.8.0"),
    .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.0"),
    .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CFastCGI",
      pkgConfig: "fcgi",
      providers: [.apt(["libfcgi-dev"])]
    ),
    .target(
      name: "RegistryHandler",
      dependencies: [
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: settings
    ),
    .target(
      name: "NginxTemplates",
      path: "nginx",
      exclude: ["README.md"],
      sources: ["NginxTemplates.swift"],
      resources: [.embedInCode("templates")],
      swiftSettings: settings
    ),
    .executableTarget(
      name: "regproxy-fcgi",
      dependencies: [
        "CFastCGI",
        "NginxTemplates",
        "RegistryHandler",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "SystemPackage", package: "swift-system"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: settings
    ),
    .target(
      name: "RegistryTestSupport",
      dependencies: [
        .product(name: "Crypto", package: "swift-crypto")
      ],
      path: "Tests/RegistryTestSupport",
      swiftSettings: settings
    ),
    .target(name: "CrashPoint", path: "Tests/CrashPoint"),
    .testTarget(
      name: "RegistryHandlerTests",
      dependencies: [
        "RegistryHandler",
        "RegistryTestSupport",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: settings
    ),
    .testTarget(
      name: "WorkerTests",
      dependencies: [
        "RegistryHandler",
        "RegistryTestSupport",
        "regproxy-fcgi",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: settings
    ),
    .testTarget(
      name: "IntegrationTests",
      dependencies: [
        "CrashPoint",
        "RegistryTestSupport",
        "regproxy-fcgi",
      ],
      swiftSettings: settings
    ),
  ],
  swiftLanguageModes: [.v6]
)

// The parsers under libFuzzer, which `make fuzz` builds: the sources are compiled for it in another way, and the program
// is a library there.
if Context.environment["REGPROXY_FUZZ"] != nil {
  let instrumented: [SwiftSetting] = [.unsafeFlags(["-sanitize=fuzzer", "-enable-testing"])]
  let targets = package.targets.filter { ["CFastCGI", "NginxTemplates"].contains($0.name) }
  let parsed = package.targets.filter { ["RegistryHandler", "regproxy-fcgi"].contains($0.name) }
  // Its main function takes a name that nothing calls.
  let renamed = ["-Xfrontend", "-entry-point-function-name", "-Xfrontend", "regproxy_main"]
  package.products = []
  package.targets =
    targets
    + parsed.map { target in
      .target(
        name: target.name,
        dependencies: target.dependencies,
        swiftSettings: settings + instrumented + [.unsafeFlags(target.type == .executable ? renamed : [])]
      )
    } + [
      .systemLibrary(name: "CLibFuzzer", path: "Tests/Fuzz/CLibFuzzer"),
      .executableTarget(
        name: "ParserFuzzer",
        dependencies: [
          "CLibFuzzer",
          "RegistryHandler",
          "regproxy-fcgi",
          .product(name: "HTTPTypes", package: "swift-http-types"),
          .product(name: "Logging", package: "swift-log"),
        ],
        path: "Tests/Fuzz/ParserFuzzer",
        swiftSettings: settings + instrumented,
        linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]
      ),
    ]
}

// Without it ThreadSanitizer would find races in all that a `Mutex` protects; `make test SANITIZE=thread` sets the variable.
if Context.environment["REGPROXY_SANITIZE"] == "thread" {
  package.targets.first { $0.name == "RegistryHandler" }?.dependencies.append("MutexAnnotations")
  package.targets.append(
    .target(
      name: "MutexAnnotations",
      path: "Tests/Sanitizers/MutexAnnotations",
      cSettings: [.define("_GNU_SOURCE")]
    )
  )
}
