import AdModel
import ArgumentParser
import Foundation
import ORD
import Postgres
import Store

/// The month that a command is about.
struct ORDMonthOption: ParsableArguments {
    @Option(name: .customLong("month"), help: "Calendar month in the accounting zone, YYYY-MM.")
    var text: String

    func validate() throws {
        guard AccountingMonth(text) != nil else {
            throw ValidationError("--month must be a calendar month such as 2026-11")
        }
    }

    func month() throws -> AccountingMonth {
        guard let month = AccountingMonth(text) else {
            throw ValidationError("--month must be a month such as 2026-11")
        }
        return month
    }
}

/// What the commands of `nimb ord` share.
enum ORDConsole {
    /// Whoever works at the console of the installation.
    static func actor() -> MonthActor { MonthActor(name: "system:console", at: SystemClock.now()) }

    /// The classifier with what refreshes have changed.
    static func kktu(on db: isolated PostgresConnection) throws -> KKTUDictionary {
        try ORDExportCommand.kktu().changed(by: KKTUStore.changes(on: db))
    }

    static func audit(
        _ action: String, _ object: String, _ id: String, after: String? = nil, on db: isolated PostgresConnection
    ) throws {
        try AuditLog.record(
            AuditEntry(
                actor: actor().name, action: action, object: object, id: id, advertiser: nil, before: nil, after: after,
                requestID: "console", at: SystemClock.now()), on: db)
    }

    static func say(_ findings: [Finding], limit: Int = 50) {
        for finding in findings.prefix(limit) {
            Console.say("  \(finding)")
            let links = finding.links.map { "\($0.kind) \($0.id)" }
            if !links.isEmpty { Console.say("      see \(links.joined(separator: ", "))") }
        }
        if findings.count > limit { Console.say("  and \(findings.count - limit) more") }
    }

    static func say(_ refusal: Store.Refusal) {
        Console.warn(refusal.detail)
        for field in refusal.fields.dropFirst(refusal.fields.count > 1 ? 0 : 1) {
            Console.warn("  \(field.field): \(field.code): \(field.detail)")
        }
    }

    static func say(_ push: PushRecord) {
        func counts(_ values: [String: Int64]) -> String {
            values.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        }
        Console.say("sending \(push.code) of \(push.month), export \(push.export): \(push.state.rawValue)")
        Console.say("  operator: \(counts(push.objects))")
        if !push.register.isEmpty { Console.say("  register: \(counts(push.register))") }
        if let notBefore = push.notBefore { Console.say("  the operator asked for a pause until \(notBefore.rfc3339)") }
    }
}
