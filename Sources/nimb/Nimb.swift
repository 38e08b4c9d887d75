import ArgumentParser

@main
struct Nimb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nimb", abstract: "Open retail-media ad server.",
        subcommands: [
            MigrateCommand.self,
            SecretsCommand.self,
            SeedCommand.self,
            WorkerCommand.self,
        ])
}
