import ArgumentParser
import Foundation

/// `nimb seed FILE`: the selling side from YAML files, through the management API.
struct SeedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seed", abstract: "Set up retailer, shops, advertisers, campaigns and keys from YAML files.",
        discussion: """
            Drives the management API and nothing else: what is absent is created, what differs is changed, what is as \
            the file says is left alone, so a run that was stopped is simply run again. With --url and $NIMB_KEY it \
            drives a running installation; with a database it starts the API on a loopback port for as long as it needs. \
            nimb seed --manual prints the manual of the file. Generated API keys are printed once.
            """)

    @Argument(help: "Seed files, applied in order; pictures in them are relative to their folder.")
    var files: [String] = []

    @Flag(help: "Tell what would be done, change nothing.")
    var check = false

    @Flag(help: "Print the manual of the seed file.")
    var manual = false

    @Option(
        help: ArgumentHelp(
            "Management address of a running installation, for example http://127.0.0.1:8081.",
            discussion: "The key of a retailer's admin is read from $NIMB_KEY."))
    var url: String?

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        if manual {
            print(try String(contentsOf: DataFiles.url("SEED.md"), encoding: .utf8))
            return
        }
        guard !files.isEmpty else { throw ValidationError("Name a seed file: nimb seed FILE") }
        for file in files {
            do {
                tell(try await apply(URL(fileURLWithPath: file)), file)
            } catch let error as SeedError {
                Console.warn(error.description)
                Console.warn("\(file): stopped here; what came before is done. Mend it and run again.")
                throw ExitCode.failure
            }
        }
    }

    private func apply(_ file: URL) async throws -> SeedReport {
        guard let url else {
            return try await SeedRunner.apply(
                file, database: try database.options(applicationName: "nimb seed"), isCheck: check)
        }
        guard let key = ProcessInfo.processInfo.environment["NIMB_KEY"], !key.isEmpty else {
            throw ValidationError("Set NIMB_KEY to the key of a retailer's admin.")
        }
        return try await SeedRunner.apply(file, to: try ManagementClient(base: url, key: key), isCheck: check)
    }

    private func tell(_ report: SeedReport, _ file: String) {
        for change in report.changes { print(change) }
        for note in report.notServable { print("not servable: \(note)") }
        for key in report.keys { print("key \(key.id) (\(key.kind)), shown only now: \(key.secret)") }
        let counts = "\(report.created) created, \(report.updated) changed, \(report.unchanged) unchanged"
        if report.changes.isEmpty {
            print("\(file): nothing to change, \(report.unchanged) things are as the file says")
        } else {
            print("\(file): \(check ? "checked, nothing written; would be " : "")\(counts)")
        }
    }
}
