/// The nginx templates, compiled into the program so that the binary can be installed as a single file.
package enum NginxTemplates {
  package static let locations = String(decoding: PackageResources.locations_conf, as: UTF8.self)
}
