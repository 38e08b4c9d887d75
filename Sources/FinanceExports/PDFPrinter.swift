import Foundation
import Synchronization

/// A PDF could not be made.
public struct PDFError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The program is not installed.
        case unavailable = "pdf_unavailable"
        /// The paper is larger than the limit, before or after.
        case tooLarge = "pdf_too_large"
        case timedOut = "pdf_timed_out"
        /// Too many papers wait.
        case busy = "pdf_busy"
        case failed = "pdf_failed"
    }

    public let code: Code
    /// What to do.
    public let message: String
    public var isRetryable: Bool { code == .busy || code == .timedOut }
    public var description: String { "\(code.rawValue): \(message)" }
}

/// Prints HTML of our own making with the program `weasyprint`, one paper at a time, on a thread of its own.
///
/// Nothing is fetched: the papers name no address, a paper that does is refused, and the program's way out leads to a
/// closed port.
public final class PDFPrinter: Sendable {
    public struct Limits: Sendable {
        /// Bytes of the HTML, and of the PDF.
        public var html = 8 << 20
        public var pdf = 32 << 20
        /// Longest time of one paper.
        public var time: Duration = .seconds(60)
        /// Papers that wait for their turn; one more is refused at once.
        public var waiting = 64

        public init() {}
    }

    public let limits: Limits
    private let program: String
    private let queue = DispatchQueue(label: "nimb.pdf")
    private let waiting = Mutex(0)

    /// - Parameter program: path of the program.
    public init(program: String = "/usr/bin/weasyprint", limits: Limits = Limits()) {
        self.program = program
        self.limits = limits
    }

    /// The paper as PDF. Equal papers give PDFs that look alike.
    /// - Throws: `PDFError`.
    public func pdf(of html: [UInt8]) async throws -> [UInt8] {
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw PDFError(
                code: .unavailable, message: "\(program) is missing: install the Debian package weasyprint, or use HTML"
            )
        }
        guard html.count <= limits.html else {
            throw PDFError(code: .tooLarge, message: "the paper is larger than \(limits.html) bytes: use HTML or XLSX")
        }
        guard Self.namesNoAddress(html) else {
            throw PDFError(code: .failed, message: "the paper asks for a file or an address, which is never fetched")
        }
        try waiting.withLock { waiting throws(PDFError) in
            guard waiting < limits.waiting else {
                throw PDFError(code: .busy, message: "\(waiting) papers are waiting: try again in a minute")
            }
            waiting += 1
        }
        defer { waiting.withLock { $0 -= 1 } }
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { [self] in continuation.resume(with: Result { try print(html) }) }
        }
    }

    /// Our templates hold no such words, and text of other people cannot: its `<` and quotes are escaped.
    static func namesNoAddress(_ html: [UInt8]) -> Bool {
        let text = String(decoding: html, as: UTF8.self).lowercased()
        return !["src=\"", "<img", "<link", "<object", "<embed", "<iframe", "<base", "<script"].contains {
            text.contains($0)
        }
    }

    private func print(_ html: [UInt8]) throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nimb-pdf-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = folder.appendingPathComponent("paper.html")
        let target = folder.appendingPathComponent("paper.pdf")
        try Data(html).write(to: source)

        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        // The base address has no files below it.
        process.arguments = [
            "--quiet", "--encoding", "utf-8", "--base-url", "about:blank", source.path, target.path,
        ]
        process.currentDirectoryURL = folder
        // A proxy that nobody listens at: whatever would still be fetched fails at once. The fixed date keeps the clock
        // out of the file.
        process.environment = [
            "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": folder.path, "TMPDIR": folder.path,
            "SOURCE_DATE_EPOCH": "1577836800", "http_proxy": "http://127.0.0.1:9",
            "https_proxy": "http://127.0.0.1:9",
            "ftp_proxy": "http://127.0.0.1:9", "no_proxy": "",
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        do { try process.run() } catch {
            throw PDFError(code: .unavailable, message: "\(program) cannot be started")
        }
        let seconds = Double(limits.time.components.seconds)
        guard ended.wait(timeout: .now() + seconds) == .success else {
            kill(process.processIdentifier, SIGKILL)
            ended.wait()
            throw PDFError(code: .timedOut, message: "printing took longer than \(limits.time): use HTML")
        }
        guard process.terminationStatus == 0 else {
            throw PDFError(code: .failed, message: "weasyprint ended with \(process.terminationStatus)")
        }
        let size = try target.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
        guard size > 0, size <= limits.pdf else {
            throw PDFError(code: .tooLarge, message: "the PDF has \(size) bytes, at most \(limits.pdf) are allowed")
        }
        return [UInt8](try Data(contentsOf: target))
    }
}
