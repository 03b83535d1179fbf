@testable internal import RegistryHandler

/// The tag of an image, where `Testing` has a `Tag` of its own.
typealias ImageTag = Tag
