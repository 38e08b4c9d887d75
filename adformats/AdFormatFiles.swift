import Foundation

/// The ad formats of `adformats/`, shipped beside the binary, one folder each.
public enum AdFormatFiles {
    /// Folder with one sub-folder per format; names that start with `_` are not formats.
    public static var folder: URL { Bundle.module.bundleURL }
}
