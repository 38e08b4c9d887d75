import ArgumentParser

/// Measures parts of the server beside yardsticks of the same run.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure, beside a yardstick of the same run.",
        subcommands: [
            BenchAttributionCommand.self,
            BenchAttributionLogCommand.self,
            BenchCreditsCommand.self,
            BenchDecideCommand.self,
            BenchFreshnessCommand.self,
            BenchHTTPCommand.self,
            BenchImportCommand.self,
            BenchLogCommand.self,
            BenchModelCommand.self,
            BenchPacingCommand.self,
            BenchProfilesCommand.self,
            BenchServerCommand.self,
            BenchShelfCommand.self,
        ])
}
