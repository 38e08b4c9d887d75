import ArgumentParser

/// Reports from the command line.
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Reports from the database.",
        subcommands: [
            ReportDiffCommand.self, ReportIncrementalityCommand.self, ReportLedgerFilesCommand.self,
            ReportPublishCommand.self,
        ])
}
