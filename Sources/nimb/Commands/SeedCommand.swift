import ArgumentParser
import Foundation
import Postgres
import Store

/// `nimb seed FILE`: the selling side from one YAML file.
struct SeedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seed", abstract: "Set up retailer, shops, advertisers, campaigns and keys from one YAML file.",
        discussion: """
            All or nothing, idempotent by code, history kept: the manual of the file is SEED.md beside the demo seed \
            (nimb seed --manual prints it). Money is roubles as exact decimals: "1000.00". Generated API keys are \
            printed once; only their SHA-256 is stored.
            """)

    @Argument(help: "The seed file; pictures in it are relative to its folder.")
    var file: String?

    @Flag(help: "Check and report, change nothing.")
    var check = false

    @Flag(help: "Print the manual of the seed file.")
    var manual = false

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        if manual {
            print(try String(contentsOf: DataFiles.url("SEED.md"), encoding: .utf8))
            return
        }
        guard let file else { throw ValidationError("Name the seed file: nimb seed FILE") }
        let pool = try database.pool(applicationName: "nimb seed", maximumConnections: 1)
        let report: SeedReport
        do {
            report = try await SeedRunner.apply(URL(fileURLWithPath: file), pool: pool, checkOnly: check)
        } catch let error as SeedError {
            FileHandle.standardError.write(
                Data("\(error.description)\n\(file): refused, nothing was changed\n".utf8))
            throw ExitCode.failure
        }
        await pool.close()
        for change in report.changes { print(change) }
        for note in report.notServable { print("not servable: \(note)") }
        for key in report.generatedKeys where !check {
            print("key \(key.code) (\(key.kind)), shown only now: \(key.text)")
        }
        let counts = "\(report.created) created, \(report.updated) changed, \(report.unchanged) unchanged"
        if !report.changedAnything {
            print("nothing to change: \(report.unchanged) rows are as the file says")
        } else if check {
            print("checked, nothing written; would be: \(counts)")
        } else {
            print("done: \(counts)")
        }
    }
}
