/// The tag as pages load it: what stands in `_tag/` as small modules, put together into one file per form.
///
/// The modules are written so that this needs no JavaScript tool: they import one another by `import { … } from
/// './name.js';` on one line, export by a word at the beginning of a line, and have no two top-level names alike.
public struct TagFiles: Sendable {
    /// `nimb.js`: for `<script async src>`.
    public let classic: String
    /// `nimb.mjs`: for `import`.
    public let module: String
    /// `nimb.css`: the rules that all formats share, and each format's.
    public let stylesheet: String

    /// - Parameters:
    ///   - files: bytes by name, as `AdFormatFiles.tag` gives them.
    ///   - stylesheet: `AdFormatSet.stylesheet`.
    public init(_ files: [String: [UInt8]], stylesheet: String) throws(AdFormatError) {
        var classic = Assembly(files)
        try classic.take("nimb.js")
        self.classic = "(() => {\n\"use strict\";\n" + classic.text + "})();\n"
        var module = Assembly(files)
        try module.take("nimb.mjs")
        self.module = module.text
        self.stylesheet = Self.withoutNotes(stylesheet)
    }

    private struct Assembly {
        private let files: [String: [UInt8]]
        private(set) var text = ""
        private var taken: Set<String> = []
        private var names: Set<Substring> = []

        init(_ files: [String: [UInt8]]) { self.files = files }

        /// Appends a module after those that it imports.
        mutating func take(_ name: String) throws(AdFormatError) {
            guard taken.insert(name).inserted else { return }
            guard let bytes = files[name] else {
                throw AdFormatError(code: "missing_file", message: "_tag/\(name) is not there")
            }
            var own = ""
            for line in TagFiles.withoutNotes(String(decoding: bytes, as: UTF8.self)).split(separator: "\n") {
                if line.hasPrefix("import ") {
                    guard let from = line.firstRange(of: "from './"), line.hasSuffix("';") else {
                        throw AdFormatError(
                            code: "bad_format", message: "_tag/\(name): \(line) is not an import of a neighbour")
                    }
                    try take(String(line[from.upperBound...].dropLast(2)))
                    continue
                }
                var line = line
                if line.hasPrefix("export "), !line.hasPrefix("export default ") { line = line.dropFirst(7) }
                if let declared = Self.declared(line), !names.insert(declared).inserted {
                    throw AdFormatError(
                        code: "bad_format", message: "_tag/\(name): \(declared) is declared twice in the tag")
                }
                own += line + "\n"
            }
            text += own
        }

        /// The name that a line of the outermost level declares.
        private static func declared(_ line: Substring) -> Substring? {
            for word in ["const ", "let ", "function ", "async function ", "class "] where line.hasPrefix(word) {
                let name = line.dropFirst(word.count).prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "$" }
                return name.isEmpty ? nil : name
            }
            return nil
        }
    }

    /// Without comments, indentation and empty lines. Indentation of the outermost level is none, so what is declared
    /// deeper keeps one space.
    static func withoutNotes(_ text: String) -> String {
        var rest = Substring(text)
        var bare = ""
        while let open = rest.firstRange(of: "/*"), let close = rest[open.upperBound...].firstRange(of: "*/") {
            bare += rest[..<open.lowerBound]
            rest = rest[close.upperBound...]
        }
        bare += rest
        var lines: [Substring] = []
        for line in bare.split(separator: "\n") {
            let trimmed = line.drop { $0 == " " }
            if trimmed.isEmpty || trimmed.hasPrefix("//") { continue }
            lines.append(line.first == " " ? " " + trimmed : trimmed)
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
