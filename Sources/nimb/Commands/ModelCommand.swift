import AdModel
import ArgumentParser
import Foundation
import Postgres
import Store

/// `nimb model`: versions of the click model.
struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Train the click model, and say which version serves.",
        discussion: """
            The model expects how often an ad is clicked: by slot, format, creative, position, interests and their age, \
            device, hour and price. A worker trains one a day from the ledger and puts it into service unless it is \
            doubtful (fewer than \(ClickModelRecord.minimumClicks) clicks, no better than plain rates or than the model \
            that serves, or badly calibrated). Nodes take what serves within a second, without a restart.
            """,
        subcommands: [
            ModelTrainCommand.self, ModelListCommand.self, ModelActivateCommand.self, ModelRollbackCommand.self,
        ])

    static let actor = "console"

    static func line(_ it: ClickModelRecord) -> String {
        // Tenths of few clicks tell of chance alone.
        let deciles = it.clicks < ClickModelRecord.minimumClicks ? [] : it.calibrationByDecile
        let spread = deciles.isEmpty ? "" : String(format: " (%.3f...%.3f)", deciles.min() ?? 0, deciles.max() ?? 0)
        return "\(it.isActive ? "*" : " ") \(it.version)  \(it.trainedAt.rfc3339)  by \(it.trainedBy), "
            + "\(it.from.rfc3339) ... \(it.until.rfc3339)\n"
            + String(
                format: "    %lld impressions, %lld clicks, log loss %.6f (plain rates %.6f), calibration %.3f%@\n",
                it.examples, it.clicks, it.logLoss, it.plainLogLoss, it.calibration, spread)
            + "    sha256 \(it.digest)" + (it.doubt.map { "\n    doubtful: \($0)" } ?? "")
    }
}

/// `nimb model train`.
struct ModelTrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train the next version from the impressions of some days.",
        discussion: "The same days of the same ledger give the same bytes: the digest says so.")

    @OptionGroup var database: DatabaseOptions

    @Option(help: "First decision learnt from, RFC 3339; 28 days before --until unless given.")
    var from: String?
    @Option(help: "Decisions before this, RFC 3339; a day ago unless given, as clicks may come that late.")
    var until: String?
    @Flag(help: "Put it into service at once, doubtful or not.")
    var activate = false

    func run() async throws {
        let now = SystemClock.now()
        let end = try Self.instant(until, "--until") ?? (now - .days(1))
        let start = try Self.instant(from, "--from") ?? (end - .days(ClickModels.days))
        let isWanted = activate
        let pool = try database.pool(applicationName: "nimb model", maximumConnections: 1)
        let record = try await PasswordInput.sayingRefusals {
            try await pool.closing { pool in
                try await pool.transaction { db -> ClickModelRecord in
                    let made = try ClickModels.train(
                        from: start, until: end, by: ModelCommand.actor, now: now, on: db)
                    guard isWanted else { return made }
                    try ClickModels.activate(
                        made.version, by: ModelCommand.actor, reason: "trained", now: now, on: db)
                    return try ClickModels.find(made.version, on: db)
                }
            }
        }
        Console.say(ModelCommand.line(record))
    }

    private static func instant(_ text: String?, _ option: String) throws -> Timestamp? {
        guard let text else { return nil }
        guard let instant = Timestamp(rfc3339: text) else {
            throw ValidationError("\(option) must be an instant like 2026-11-01T00:00:00Z.")
        }
        return instant
    }
}

/// `nimb model list`.
struct ModelListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The versions, newest first; * serves.")

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let pool = try database.pool(applicationName: "nimb model", maximumConnections: 1)
        let records = try await pool.closing { pool in
            try await pool.withConnection { db in try ClickModels.list(on: db) }
        }
        if records.isEmpty {
            return Console.say("no model was trained yet: clicks are expected by the formats' priors")
        }
        records.map(ModelCommand.line).forEach(Console.say)
        if !records.contains(where: \.isActive) {
            Console.say("none serves: clicks are expected by the formats' priors")
        }
    }
}

/// `nimb model activate`.
struct ModelActivateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "activate", abstract: "Put a version into service.")

    @OptionGroup var database: DatabaseOptions

    @Argument(help: "Number of the version, or 'none' for the formats' priors.")
    var version: String
    @Option(help: "Why; kept with the change.")
    var reason = "activated by hand"

    func validate() throws {
        guard version == "none" || Int32(version).map({ $0 > 0 }) == true else {
            throw ValidationError("give the number of a version, or 'none'")
        }
        guard (1...500).contains(reason.count), !reason.hasPrefix("rollback") else {
            throw ValidationError("--reason takes 1...500 characters and does not begin with 'rollback'")
        }
    }

    func run() async throws {
        let (number, reason) = (Int32(version), reason)
        let pool = try database.pool(applicationName: "nimb model", maximumConnections: 1)
        try await PasswordInput.sayingRefusals {
            try await pool.closing { pool in
                try await pool.transaction { db in
                    try ClickModels.activate(
                        number, by: ModelCommand.actor, reason: reason, now: SystemClock.now(), on: db)
                }
            }
        }
        Console.say(number.map { "version \($0) serves" } ?? "no model serves")
    }
}

/// `nimb model rollback`.
struct ModelRollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Go back to what served before; again goes further back.")

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let pool = try database.pool(applicationName: "nimb model", maximumConnections: 1)
        let serving = try await PasswordInput.sayingRefusals {
            try await pool.closing { pool in
                try await pool.transaction { db in
                    try ClickModels.rollBack(by: ModelCommand.actor, now: SystemClock.now(), on: db)
                }
            }
        }
        Console.say(serving.map { "version \($0) serves again" } ?? "no model serves, as before")
    }
}
