import ArgumentParser

@main
struct Nimb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nimb", abstract: "Open retail-media ad server.",
        subcommands: [
            AttributeCommand.self,
            BenchCommand.self,
            DemoCommand.self,
            DevCommand.self,
            DoctorCommand.self,
            EventsCommand.self,
            ExplainCommand.self,
            ImportCommand.self,
            MigrateCommand.self,
            ModelCommand.self,
            ORDCommand.self,
            ReplayCommand.self,
            ReportCommand.self,
            SecretsCommand.self,
            SeedCommand.self,
            ServeCommand.self,
            ShopCommand.self,
            UserCommand.self,
            WorkerCommand.self,
        ])
}
