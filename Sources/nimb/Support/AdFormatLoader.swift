import AdFormatFiles
import AdFormats
import Foundation

/// The ad formats in use: those that ship with the binary and, over them, those of a folder of the operator's.
enum AdFormatLoader {
    /// Reads both; a folder that is not a valid format stops the start with what is wrong in it.
    static func load(extra: String?) throws -> AdFormatSet {
        var folders = try AdFormatFiles.read()
        if let extra { folders.merge(try AdFormatFiles.read(URL(fileURLWithPath: extra))) { _, theirs in theirs } }
        let common = String(decoding: try AdFormatFiles.tag()["nimb.css"] ?? [], as: UTF8.self)
        return try AdFormatSet(folders: folders, commonStylesheet: common)
    }

    /// The tag for pages, with the looks of these formats.
    static func tag(_ formats: AdFormatSet) throws -> TagFiles {
        try TagFiles(AdFormatFiles.tag(), stylesheet: formats.stylesheet)
    }
}
