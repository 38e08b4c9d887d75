import ArgumentParser

/// `nimb ord`: what the operator of advertising data receives.
struct ORDCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ord", abstract: "Reports for the operator of advertising data (ОРД).",
        subcommands: [
            ORDStatusCommand.self, ORDCloseCommand.self, ORDExportCommand.self, ORDPushCommand.self,
            ORDDiffCommand.self, ORDKKTUCommand.self,
        ])
}
