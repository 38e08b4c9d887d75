import Foundation

/// Reads a file for the parser and counts the bytes; nothing of it is kept.
final class FeedStream: InputStream {
    private let handle: FileHandle
    private var state = Stream.Status.notOpen
    private(set) var bytesRead = 0
    private var failed: (any Error)?
    private var check: UTF8Check?

    /// Ended early by bytes that are not UTF-8.
    private(set) var isBadUTF8 = false

    /// - Parameter isUTF8: the parser will take the bytes as UTF-8, so they must be.
    init(_ handle: FileHandle, isUTF8: Bool) {
        self.handle = handle
        check = isUTF8 ? UTF8Check() : nil
        super.init(data: Data())
    }

    override var streamStatus: Stream.Status { state }
    override var streamError: (any Error)? { failed }
    override var hasBytesAvailable: Bool { state == .open }
    override func open() { state = .open }
    override func close() { state = .closed }

    override func read(_ buffer: UnsafeMutablePointer<UInt8>, maxLength length: Int) -> Int {
        do {
            guard let data = try handle.read(upToCount: length), !data.isEmpty else {
                state = .atEnd
                return 0
            }
            data.copyBytes(to: buffer, count: data.count)
            bytesRead += data.count
            if check != nil, !data.withUnsafeBytes({ check?.accepts($0) ?? true }) {
                isBadUTF8 = true
                state = .atEnd
                return 0
            }
            return data.count
        } catch {
            failed = error
            state = .error
            return -1
        }
    }
}

/// Looks at the start of a feed before the parser sees it.
///
/// Entities can be declared only before the first element, so reading that far is enough to refuse them; the
/// accepted encodings all spell ASCII as ASCII, so nothing can hide from this look.
enum FeedProlog {
    static let encodings: Set<String> = [
        "utf-8", "utf8", "windows-1251", "cp1251", "koi8-r", "iso-8859-5", "us-ascii", "ascii",
    ]

    /// Refuses what is no acceptable feed. Returns whether the parser will take the bytes as UTF-8.
    static func check(_ start: [UInt8]) throws -> Bool {
        var isUTF8 = true
        if start.starts(with: [0xFE, 0xFF]) || start.starts(with: [0xFF, 0xFE]) || start.prefix(4).contains(0) {
            throw FeedError.encoding("UTF-16")
        }
        let text = String(decoding: start.map { $0 < 0x80 ? $0 : 0x3F }, as: UTF8.self)
        let head = text.range(of: "<yml_catalog").map { text[..<$0.lowerBound] }
        if (head ?? text[...]).contains("<!ENTITY") { throw FeedError.entityDeclaration }
        let declaration = text.prefix(256).range(of: "?>").map { text[..<$0.lowerBound] } ?? ""
        if let mark = declaration.range(of: "encoding") {
            let value = declaration[mark.upperBound...].drop { $0 == " " || $0 == "=" || $0 == "\n" || $0 == "\t" }
            if let quote = value.first, quote == "\"" || quote == "'" {
                let name = value.dropFirst().prefix { $0 != quote }.lowercased()
                guard encodings.contains(name) else { throw FeedError.encoding(name) }
                // A byte-order mark outweighs what the declaration says.
                isUTF8 = name.hasPrefix("utf") || name.hasSuffix("ascii") || start.starts(with: [0xEF, 0xBB, 0xBF])
            }
        }
        if head == nil {
            // Another root is worth its own sentence.
            var rest = text[...]
            while let open = rest.firstIndex(of: "<") {
                let name = rest[rest.index(after: open)...].prefix {
                    $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" || $0 == ":"
                }
                if !name.isEmpty { throw FeedError.notAFeed(root: String(name.prefix(64))) }
                rest = rest[rest.index(after: open)...]
            }
            throw FeedError.prologTooLong
        }
        return isUTF8
    }
}
