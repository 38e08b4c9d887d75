import Foundation
import Yams

/// The OpenAPI document of this API, put together from one file per area.
public enum OpenAPIBundle {
    /// Names of the files, `base` first: it has everything but paths and schemas of the areas.
    static func files() throws -> [URL] {
        let folder = Bundle.module.bundleURL.appendingPathComponent("OpenAPI")
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "yaml" }
            .sorted { Self.rank($0) < Self.rank($1) }
    }

    private static func rank(_ file: URL) -> String {
        file.lastPathComponent == "base.yaml" ? "" : file.lastPathComponent
    }

    /// The whole document as YAML. Two files that define the same path or component stop the start.
    public static func text() throws -> String {
        let files = try files()
        guard let first = files.first,
            var document = try Yams.compose(yaml: String(contentsOf: first, encoding: .utf8))
        else { throw OpenAPIBundleError(file: "base.yaml", reason: "is missing or empty") }
        for file in files.dropFirst() {
            guard let fragment = try Yams.compose(yaml: String(contentsOf: file, encoding: .utf8)) else { continue }
            try merge(fragment, into: &document, depth: 0, file: file.lastPathComponent)
        }
        return try Yams.serialize(node: document, width: -1, allowUnicode: true)
    }

    /// Merges `paths`, `components.<kind>` and nothing deeper.
    private static func merge(_ fragment: Node, into document: inout Node, depth: Int, file: String) throws {
        guard case .mapping(let added) = fragment, case .mapping(var target) = document else {
            throw OpenAPIBundleError(file: file, reason: "is not a mapping")
        }
        for (key, value) in added {
            let name = key.string ?? ""
            guard var present = target[key] else {
                target[key] = value
                continue
            }
            let isContainer = depth == 0 && ["paths", "components"].contains(name) || depth == 1 && name != "paths"
            guard isContainer, !(depth == 1 && name.hasPrefix("/")) else {
                throw OpenAPIBundleError(file: file, reason: "defines “\(name)” a second time")
            }
            try merge(value, into: &present, depth: name == "paths" ? 2 : depth + 1, file: file)
            target[key] = present
        }
        document = .mapping(target)
    }
}

/// The document of the API is broken; a fault of the build, found at the start.
public struct OpenAPIBundleError: Error, Equatable, Sendable {
    public var file: String
    public var reason: String
    public var code: String { "openapi_broken" }
    public var isRetryable: Bool { false }
}
