import Foundation

/// The ad formats of `adformats/`, shipped beside the binary, one folder each.
public enum AdFormatFiles {
    /// Folder with one sub-folder per format; names that start with `_` are not formats.
    public static var folder: URL { Bundle.module.bundleURL }

    /// Largest file of a format that is read, bytes.
    public static let fileLimit = 262_144

    /// Bytes of every format's files, by format name and file name. A folder without a `format.json` is no format.
    public static func read(_ folder: URL = folder) throws -> [String: [String: [UInt8]]] {
        var formats: [String: [String: [UInt8]]] = [:]
        let manager = FileManager.default
        for entry in try manager.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            let name = entry.lastPathComponent
            guard !name.hasPrefix("_"), !name.hasPrefix("."),
                manager.fileExists(atPath: entry.appendingPathComponent("format.json").path)
            else { continue }
            var files: [String: [UInt8]] = [:]
            for file in try manager.contentsOfDirectory(at: entry, includingPropertiesForKeys: nil) {
                let bytes = try Data(contentsOf: file)
                if bytes.count <= fileLimit { files[file.lastPathComponent] = [UInt8](bytes) }
            }
            formats[name] = files
        }
        return formats
    }

    /// Files of the tag that shops put on their pages, by name: `nimb.js`, `nimb.mjs`, the modules that both are made
    /// of, and `nimb.css`, which all formats share.
    public static func tag(_ folder: URL = folder) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        let tag = folder.appendingPathComponent("_tag")
        for file in try FileManager.default.contentsOfDirectory(at: tag, includingPropertiesForKeys: nil)
        where ["js", "mjs", "css"].contains(file.pathExtension) {
            let bytes = try Data(contentsOf: file)
            if bytes.count <= fileLimit { files[file.lastPathComponent] = [UInt8](bytes) }
        }
        return files
    }
}
