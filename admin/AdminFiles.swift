import Foundation

/// The cabinet's pages, shipped beside the binary: plain files, no build step.
public enum AdminFiles {
    /// Folder that holds the files served under `/admin/`.
    public static var folder: URL { Bundle.module.bundleURL.appendingPathComponent("cabinet") }
}
