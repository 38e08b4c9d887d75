import Foundation

/// Files that travel with the binary: `Sources/nimb/Data`.
enum DataFiles {
    /// The folder beside the executable's resources.
    static var folder: URL { Bundle.module.bundleURL.appendingPathComponent("Data") }

    /// One file of the folder.
    static func url(_ name: String) -> URL { folder.appendingPathComponent(name) }
}
