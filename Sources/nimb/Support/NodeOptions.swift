import ArgumentParser
import Foundation
import Logging

/// Where a node keeps what is its own.
struct NodeOptions: ParsableArguments {
    @Option(help: "Folder of this node's own data; the event log is in <data>/log.")
    var data = "nimb-data"

    @Option(help: "Number of this node, 1 to 32767; part of every decision id, and what its log is shipped under.")
    var node: Int16 = 1

    @Option(help: "What is written to standard error: trace, debug, info, notice, warning, error.")
    var logLevel: String = "notice"

    var logDirectory: String { data + "/log" }

    func validate() throws {
        guard node >= 1 else { throw ValidationError("--node must be 1 to 32767.") }
        guard Logger.Level(rawValue: logLevel) != nil else {
            throw ValidationError("--log-level must be trace, debug, info, notice, warning or error.")
        }
    }

    /// The logger of a command. Logs carry ids and codes only.
    func logger(_ label: String) -> Logger {
        var logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = Logger.Level(rawValue: logLevel) ?? .notice
        return logger
    }
}
