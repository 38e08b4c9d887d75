import Foundation

/// Files that travel with the binary: `Sources/nimb/Data`.
enum DataFiles {
    /// The folder beside the executable's resources.
    static var folder: URL { Bundle.module.bundleURL.appendingPathComponent("Data") }

    /// One file of the folder.
    static func url(_ name: String) -> URL { folder.appendingPathComponent(name) }

    /// The OpenAPI document of the delivery API.
    static func deliveryDocument() throws -> String {
        try String(
            contentsOf: Bundle.module.bundleURL.appendingPathComponent("OpenAPI/delivery.yaml"), encoding: .utf8)
    }
}
