import Foundation

/// Places of the source tree, for fixtures that are read where they lie.
public enum Repository {
    /// The folder that holds `Package.swift`.
    public static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Material shared beside the repository; absent in a plain clone, tests must then do without.
    public static let shared = root.deletingLastPathComponent().appendingPathComponent("shared")

    /// The folder that the running test bundle was built into; the `nimb` executable lies there too.
    public static let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent()

    /// A new empty folder that only this process uses; remove it when done.
    public static func temporaryFolder(_ name: String = "files") throws -> URL {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("nimb-\(name)-\(ProcessInfo.processInfo.processIdentifier)-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }
}

/// The same under the name that data-driven tests use.
public enum FixturePaths {
    /// The folder that holds `Package.swift`.
    public static var repository: URL { Repository.root }
}
