import Foundation

/// The source tree under test.
enum Checkout {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    struct File {
        /// Path from the root, with `/`.
        var path: String
        var text: String

        /// The text without line comments.
        var code: String {
            text.split(separator: "\n", omittingEmptySubsequences: false)
                .map { line in
                    guard let comment = line.range(of: "//") else { return String(line) }
                    return String(line[..<comment.lowerBound])
                }
                .joined(separator: "\n")
        }
    }

    static func files(under folder: String, endingIn suffixes: String...) throws -> [File] {
        let base = root.appendingPathComponent(folder)
        guard let walk = FileManager.default.enumerator(atPath: base.path) else { return [] }
        var files: [File] = []
        for case let name as String in walk where suffixes.contains(where: name.hasSuffix) {
            let text = try String(contentsOf: base.appendingPathComponent(name), encoding: .utf8)
            files.append(File(path: "\(folder)/\(name)", text: text))
        }
        return files.sorted { $0.path < $1.path }
    }

    static func entries(of folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(folder).path).sorted()
    }

    static func imports(of text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard let keyword = words.firstIndex(of: "import"), keyword + 1 < words.count else { return nil }
            guard words[..<keyword].allSatisfy({ $0.hasPrefix("@") || $0 == "public" || $0 == "internal" }) else {
                return nil
            }
            return words.last.map { String($0.split(separator: ".").first ?? $0) }
        }
    }
}
