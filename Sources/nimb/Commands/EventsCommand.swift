import AdModel
import ArgumentParser
import Postgres
import Store

/// `nimb events`: what came in from ads.
struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Work with stored ad events.", subcommands: [EventsInvalidateCommand.self])
}

/// `nimb events invalidate`: finds stored events invalid after all.
struct EventsInvalidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invalidate", abstract: "Find stored events invalid: refund them and decide their orders anew.",
        discussion: """
            Events are named by their ids, those of their touches, or by a visitor and a time. At most \
            \(EventInvalidation.eventLimit) events at a time; what is invalid already stays as it is.
            """)

    @OptionGroup var database: DatabaseOptions
    @Option(help: "bot_agent, datacenter, rate, replay, late, forged, prefetch or impossible_sequence.")
    var reason: String
    @Option(name: .customLong("event"), help: "Id of an event: <decision>.<ad>.i|v|c[.<card>]. May be repeated.")
    var events: [String] = []
    @Option(help: "Everything of this visitor between --from and --to.")
    var visitor: String?
    @Option(help: "First instant, RFC 3339.")
    var from: String?
    @Option(help: "Instant before which it ends, RFC 3339.")
    var to: String?
    @Option(help: "Why, in your words; at most 500 characters.")
    var note: String?

    func run() async throws {
        guard let reason = InvalidReason(rawValue: reason) else {
            throw ValidationError(
                "--reason must be one of \(InvalidReason.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        guard note?.count ?? 0 <= 500 else { throw ValidationError("--note is longer than 500 characters") }
        let selection: EventInvalidation.Selection
        if let visitor {
            guard events.isEmpty, let from = from.flatMap({ Timestamp(rfc3339: $0) }),
                let to = to.flatMap({ Timestamp(rfc3339: $0) }), from < to
            else { throw ValidationError("--visitor needs --from and --to, instants such as 2026-11-01T10:00:00Z") }
            selection = .visitor(visitor, from: from, to: to)
        } else {
            guard !events.isEmpty else { throw ValidationError("name events with --event, or a --visitor") }
            selection = .events(events)
        }
        let pool = try database.pool(applicationName: "nimb events", maximumConnections: 1)
        let (note, now) = (note, SystemClock.now())
        let actor = "system:console"
        let made = try await pool.closing { pool in
            try await pool.transaction { db in
                let made = try EventInvalidation.apply(
                    selection, reason: reason, note: note, actor: actor, now: now, on: db)
                if made.events > 0 {
                    try AuditLog.record(
                        AuditEntry(
                            actor: actor, action: "events.invalidated", object: "event", id: "console",
                            advertiser: nil, before: nil,
                            after: "{\"reason\":\"\(reason.rawValue)\",\"events\":\(made.events)}",
                            requestID: "console",
                            at: now), on: db)
                }
                return made
            }
        }
        Console.say(
            "\(made.events) events are invalid now, \(made.repeated) were; \(made.refunds) refunds of "
                + "\(made.refunded.value) micros; \(made.credits.orders) orders decided anew, \(made.credits.rows) credit rows"
        )
        made.unknown.forEach { Console.warn("unknown event \($0)") }
        if !made.unknown.isEmpty { throw ExitCode.failure }
    }
}
