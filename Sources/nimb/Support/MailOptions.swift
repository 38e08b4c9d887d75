import ArgumentParser
import Foundation
import Jobs
import Logging
import Postgres
import Telemetry

/// How mail leaves: invitations, links to choose a password, notices.
struct MailOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Program that sends a message from its standard input, as a JSON list: '[\"/usr/sbin/sendmail\",\"-t\",\"-i\"]'.",
            discussion: "Started directly, never through a shell. Without it mail waits in the outbox."))
    var mailCommand: String?

    @Option(help: "Address in From.")
    var mailFrom = "nimb@localhost"

    @Option(help: "Seconds after which the program is ended and the message tried again later.")
    var mailTimeout = 30

    func validate() throws {
        guard (1...600).contains(mailTimeout) else { throw ValidationError("--mail-timeout must be 1 to 600.") }
        guard mailFrom.contains("@") else { throw ValidationError("--mail-from must be an address.") }
        _ = try command()
    }

    /// The configured program; nil when there is none.
    func command() throws -> MailCommand? {
        guard let mailCommand else { return nil }
        let arguments = try? JSONDecoder().decode([String].self, from: Data(mailCommand.utf8))
        guard let arguments,
            let command = MailCommand(arguments: arguments, sender: mailFrom, timeout: .seconds(mailTimeout))
        else {
            throw ValidationError("--mail-command must be a JSON list that begins with the absolute path of a program.")
        }
        return command
    }

    /// The mail job; nil when nothing can send. In development messages go to the console unless a program is given.
    func job(pool: PostgresPool, isDevelopment: Bool, metrics: MetricsRegistry, logger: Logger) throws -> Job? {
        let transport: any MailTransport
        if let command = try command() {
            transport = command
        } else if isDevelopment {
            transport = MailPrinter { Console.say($0) }
        } else {
            logger.notice("mail waits in the outbox: no --mail-command is given")
            return nil
        }
        return MailJob(pool: pool, transport: transport, metrics: metrics, logger: logger).job
    }
}
