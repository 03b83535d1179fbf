/// The nginx templates, compiled into the program so that the binary can be installed as a single file.
package enum NginxTemplate {
  /// What the worker is told and how its answers are taken; part of every location that leads to it.
  package static let fastcgi = text(PackageResources.fastcgi_conf)
  /// JSON for the errors that nginx itself answers.
  package static let errors = text(PackageResources.errors_conf)
  /// The locations of the API, for a server block that exists.
  package static let locations = text(PackageResources.locations_conf)
  /// The location of one upstream's path mirror, `/ghcr.io/v2/`.
  package static let prefixLocation = text(PackageResources.prefix_location_conf)
  /// What a server block of our own answers besides.
  package static let probes = text(PackageResources.probes_conf)
  /// A whole server block.
  package static let server = text(PackageResources.server_conf)
  /// A complete `nginx.conf`.
  package static let standalone = text(PackageResources.standalone_conf)
  /// The internal location of the stored blobs.
  package static let store = text(PackageResources.store_conf)
  /// The upstream block that keeps connections to the worker.
  package static let upstream = text(PackageResources.upstream_conf)
  /// Certificate and protocols.
  package static let tls = text(PackageResources.tls_conf)

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
