import Foundation
import TestKit

/// A second session that acts while the first one's synchronous body runs: `psql` behind a pipe.
final class SynchronousPeer {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    init(_ url: String) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/lib/postgresql/15/bin/psql")
        process.arguments = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", url]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    /// Returns when the statements are done.
    func run(_ sql: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data("\(sql);\n\\echo done\n".utf8))
        var text = ""
        while !text.contains("done") {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw DeadlineError(description: "psql ended early") }
            text += String(decoding: data, as: UTF8.self)
        }
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
