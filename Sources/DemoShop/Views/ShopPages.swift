import Foundation
import Mustache

/// The templates and files of `Pages/`, read once.
struct ShopPages: Sendable {
    struct Asset: Sendable {
        var bytes: [UInt8]
        var type: String
    }

    /// Files that pages load, by name.
    let assets: [String: Asset]
    /// Changes with any of them, so that no browser keeps an old one.
    let version: String
    private let library: MustacheLibrary

    init() throws {
        let folder = Bundle.module.bundleURL.appendingPathComponent("Pages")
        var templates: [String: MustacheTemplate] = [:]
        var assets: [String: Asset] = [:]
        let types = ["css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"]
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        for file in files.sorted(by: { $0.path < $1.path }) {
            let bytes = [UInt8](try Data(contentsOf: file))
            if file.pathExtension == "mustache" {
                templates[file.deletingPathExtension().lastPathComponent] = try MustacheTemplate(
                    string: String(decoding: bytes, as: UTF8.self))
            } else if let type = types[file.pathExtension] {
                assets[file.lastPathComponent] = Asset(bytes: bytes, type: type)
            }
        }
        library = MustacheLibrary(templates: templates)
        self.assets = assets
        let sum = assets.sorted { $0.key < $1.key }.map { String(decoding: $0.value.bytes, as: UTF8.self) }.joined()
        version = String(ProductPicture.hash(sum), radix: 36)
    }

    func render(_ template: String, _ values: [String: Any]) -> String {
        library.render(values, withTemplate: template) ?? ""
    }
}
