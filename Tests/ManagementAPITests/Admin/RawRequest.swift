import Foundation

/// A request whose path is sent exactly as written: clients that follow RFC 3986 take `..` out before they send.
enum RawRequest {
    /// Status line, headers and body as text.
    static func get(_ path: String, port: Int) async throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
        process.arguments = [
            "--silent", "--include", "--path-as-is", "--globoff", "--max-time", "20",
            "http://127.0.0.1:\(port)\(path)",
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = try await output.fileHandleForReading.readAll()
        return String(decoding: data, as: UTF8.self)
    }
}

extension FileHandle {
    /// Everything up to the end, without holding a thread of the pool.
    fileprivate func readAll() async throws -> Data {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try self.readToEnd() ?? Data() }) }
        }
    }
}
