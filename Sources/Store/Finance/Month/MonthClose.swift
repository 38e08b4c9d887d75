import AdModel
import Billing
import ORD
import Postgres

/// Where a month stands; `revision` grows with every change of it.
public struct MonthStatus: Equatable, Sendable {
    public var month: AccountingMonth
    public var state: MonthState
    /// The newest frozen version; 0 while the month is open.
    public var version: Int32
    /// 0 while the month is open.
    public var revision: Int64
}

/// Closes months (domain.md, 8). Every function belongs in a transaction of a session that sees all tenants, waits for
/// batches that are being shipped, and records who did what, when and why: in the month's own history and in the audit log.
public enum MonthClose {
    // MARK: State

    public static func status(of month: AccountingMonth, on db: isolated PostgresConnection) throws -> MonthStatus {
        guard
            let row = try db.query(
                "select state, version, revision from month_close where month = $1", [.date(days: month.first.number)]
            ).first
        else { return MonthStatus(month: month, state: .open, version: 0, revision: 0) }
        return MonthStatus(
            month: month, state: MonthState(rawValue: try row.string("state")) ?? .frozen,
            version: try row.int32("version"), revision: try row.int64("revision"))
    }

    public static func state(of month: AccountingMonth, on db: isolated PostgresConnection) throws -> MonthState {
        try status(of: month, on: db).state
    }

    /// Everything that stands between a month and its freeze; empty = it can be frozen now.
    public static func conditions(
        _ month: AccountingMonth, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> [FreezeCondition] {
        let zone = try RetailerStore.zone(on: db)
        let highest = try db.query("select coalesce(max(id), 0) as id from charge").single().int64("id")
        let statement = try MonthReader(month: month, highestChargeID: highest, on: db).statement(on: db)
        return try FreezeConditions.unmet(month, zone: zone, now: now, on: db)
            + unsound(statement, Settlement(statement))
    }

    // MARK: Freeze

    /// Freezes a month: carries are taken up, acts computed and numbered, each rounded by one row of the ledger, and all
    /// that they are made of is kept for good. Nothing posts to the month afterwards.
    /// - Throws: `Refusal` with every condition that is not met.
    @discardableResult
    public static func freeze(
        _ month: AccountingMonth, by actor: MonthActor, on db: isolated PostgresConnection
    ) throws -> FrozenMonth {
        try CheckpointStore.lockLedgers(on: db)
        guard try state(of: month, on: db) == .open else {
            throw Refusal(.invalidState, field: "month", "\(month) is frozen already; correct it instead.")
        }
        let zone = try RetailerStore.zone(on: db)
        _ = try FixedAccrualLedger.accrue(zone: zone, now: actor.at, on: db)
        try CarryLedger.takeUp(month, now: actor.at, on: db)
        var draft = try FrozenDraft(month, version: 1, actor, kind: "freeze", reason: nil, on: db)
        try refuse(
            try FreezeConditions.unmet(month, zone: zone, now: actor.at, on: db)
                + unsound(draft.statement, draft.settlement), month)
        try draft.number(on: db)
        try draft.round(zone: zone, on: db)
        try db.query(
            "insert into month_close (month, state, version) values ($1, 'frozen', 1)",
            [.date(days: month.first.number)])
        try draft.store(on: db)
        try record(month, 1, .open, .frozen, actor, reason: nil, on: db)
        return try FrozenMonth.require(month, on: db)
    }

    /// Makes a new version of a frozen month from the ledger and the objects as they are now: charges that corrected it,
    /// a token entered since, a name put right. Ids and serials stay; the month is frozen again and has to be
    /// reconciled and exported anew.
    /// - Throws: `Refusal` when the month is open, no reason is given, or an act that the levy has locked would change.
    @discardableResult
    public static func correct(
        _ month: AccountingMonth, reason: String, by actor: MonthActor, on db: isolated PostgresConnection
    ) throws -> FrozenMonth {
        try CheckpointStore.lockLedgers(on: db)
        try requireReason(reason)
        let status = try status(of: month, on: db)
        guard status.state != .open else {
            throw Refusal(.invalidState, field: "month", "\(month) is open: what posts to it needs no correction.")
        }
        let zone = try RetailerStore.zone(on: db)
        let before = try FrozenMonth.require(month, on: db)
        var draft = try FrozenDraft(
            month, version: status.version + 1, actor, kind: "correction", reason: reason, on: db)
        try refuse(unsound(draft.statement, draft.settlement), month)
        try draft.number(on: db)
        try refuseBlocked(
            MonthDiff(before: before.settlement, after: draft.settlement), before, draft.settlement, month, on: db)
        try MonthLedger.correcting(month.first, on: db) { try draft.round(zone: zone, on: db) }
        try draft.store(on: db)
        try db.query(
            "update month_close set state = 'frozen', version = $2, revision = revision + 1 where month = $1",
            [.date(days: month.first.number), .int4(status.version + 1)])
        if status.state != .frozen, status.state != .returned {
            try record(month, status.version, status.state, .returned, actor, reason: reason, audits: false, on: db)
        }
        try record(
            month, status.version + 1, status.state == .frozen ? .frozen : .returned, .frozen, actor, reason: reason,
            on: db)
        return try FrozenMonth.require(month, on: db)
    }

    // MARK: After the freeze

    /// Passes the gate: frozen -> reconciled. Warnings have to be overridden by name before.
    /// - Returns: what the gate found, none of it blocking.
    /// - Throws: `Refusal` with the findings that block.
    @discardableResult
    public static func reconcile(
        _ month: AccountingMonth, kktu: KKTUDictionary, profile: OperatorProfile = .vk, by actor: MonthActor,
        on db: isolated PostgresConnection
    ) throws -> [Finding] {
        let status = try require(month, .frozen, .reconciled, on: db)
        let frozen = try FrozenMonth.require(month, on: db)
        let pending = try PendingCorrections.read(month, on: db)
        guard pending.rows == 0 else {
            throw Refusal(
                .invalidState, field: "month",
                "\(pending.rows) rows of the ledger (\(pending.amount)) correct \(month): make a new version first.")
        }
        let findings =
            try frozen.findings(kktu: kktu, today: actor.at.utcDay, profile: profile)
            + LabelAudit.run(now: actor.at, on: db)
        let blocking = Gate.blocking(findings, frozen.statement.overrides)
        guard blocking.isEmpty else {
            throw Refusal(
                .invalidState, field: "month",
                "The gate found \(blocking.count) faults in \(month), the first: \(blocking[0]).",
                fields: blocking.prefix(50).map {
                    Refusal.FieldProblem(field: "\($0.object) \($0.field)", code: $0.code, detail: $0.message)
                })
        }
        try move(status, to: .reconciled, actor, reason: nil, on: db)
        return findings
    }

    /// The acts were given to their clients: reconciled -> acts issued.
    public static func issueActs(
        _ month: AccountingMonth, by actor: MonthActor, on db: isolated PostgresConnection
    ) throws {
        try move(try require(month, .reconciled, .actsIssued, on: db), to: .actsIssued, actor, reason: nil, on: db)
    }

    /// A bundle left the house: acts issued -> exported. A correction names the manifest it supersedes (R25).
    /// - Parameter manifestSHA256: 32 bytes.
    public static func markExported(
        _ month: AccountingMonth, manifestSHA256: [UInt8], by actor: MonthActor, on db: isolated PostgresConnection
    ) throws {
        let status = try require(month, .actsIssued, .exported, on: db)
        try db.query(
            "insert into month_export (month, version, manifest_sha256, at, actor) values ($1, $2, $3, $4, $5)",
            [
                .date(days: month.first.number), .int4(status.version), .bytea(manifestSHA256),
                .timestamptz(micros: actor.at.micros), .text(actor.name),
            ])
        try move(
            status, to: .exported, actor, reason: nil,
            details: "{\"manifest_sha256\":\"\(Hex.text(manifestSHA256))\"}", on: db)
    }

    /// The operator has taken everything: exported -> accepted.
    public static func markAccepted(
        _ month: AccountingMonth, by actor: MonthActor, on db: isolated PostgresConnection
    ) throws {
        try move(try require(month, .exported, .accepted, on: db), to: .accepted, actor, reason: nil, on: db)
    }

    /// Sends a month back: its state becomes `returned`, and then `frozen`, both with the reason. The version stays;
    /// whoever has something to correct calls `correct`.
    public static func returnToFrozen(
        _ month: AccountingMonth, reason: String, by actor: MonthActor, on db: isolated PostgresConnection
    ) throws {
        try requireReason(reason)
        var status = try status(of: month, on: db)
        if status.state != .returned {
            status = try require(month, status.state, .returned, on: db)
            try move(status, to: .returned, actor, reason: reason, on: db)
            status = try self.status(of: month, on: db)
        }
        try move(status, to: .frozen, actor, reason: reason, audits: false, on: db)
    }

    /// Steps of a month, oldest first; at most 1,000.
    public static func transitions(
        of month: AccountingMonth, on db: isolated PostgresConnection
    ) throws -> [MonthTransition] {
        try db.query(
            """
            select id, version, from_state, to_state, at, actor, reason, details::text as details from month_transition
            where month = $1 order by id limit 1000
            """, [.date(days: month.first.number)]
        ).map { row in
            MonthTransition(
                id: try row.int64("id"), month: month, version: try row.int32("version"),
                from: MonthState(rawValue: try row.string("from_state")) ?? .open,
                to: MonthState(rawValue: try row.string("to_state")) ?? .frozen,
                at: Timestamp(micros: try row.micros("at")), actor: try row.string("actor"),
                reason: try row.stringIfPresent("reason"), details: try row.string("details"))
        }
    }

    // MARK: Checks

    /// Characters of a reason.
    public static let reasonLimit = 500

    static func requireReason(_ reason: String) throws {
        guard (1...reasonLimit).contains(reason.unicodeScalars.count) else {
            throw Refusal.field("reason", "required", "Say why, in 1 to \(reasonLimit) characters.")
        }
    }

    static func unsound(_ statement: MonthStatement, _ settlement: Settlement) -> [FreezeCondition] {
        Gate.arithmetic(statement, settlement).prefix(50).map {
            FreezeCondition(
                code: .ledgerUnsound, object: $0.object, message: "\($0.object): \($0.message).", links: $0.links)
        }
    }

    private static func refuse(_ conditions: [FreezeCondition], _ month: AccountingMonth) throws {
        guard let first = conditions.first else { return }
        let rest = conditions.count > 1 ? " And \(conditions.count - 1) more conditions." : ""
        throw Refusal(
            .invalidState, field: "month", first.message + rest,
            fields: conditions.map {
                Refusal.FieldProblem(field: $0.object, code: $0.code.rawValue, detail: $0.message)
            })
    }

    /// Acts on which the levy was charged stay to the letter, and so do the rows that they bill (R25).
    private static func refuseBlocked(
        _ diff: MonthDiff, _ before: FrozenMonth, _ after: Settlement, _ month: AccountingMonth,
        on db: isolated PostgresConnection
    ) throws {
        let blocked = Set(try LevyLocks.blocked(month, on: db))
        guard !blocked.isEmpty else { return }
        var owner: [String: String] = [:]
        for act in before.settlement.acts + after.acts {
            for item in act.items { for id in item.creativeIDs { owner[id] = act.id } }
        }
        let changed =
            diff.acts.map(\.id)
            + diff.rows.compactMap { owner[($0.before ?? $0.after)?.creativeID ?? ""] }
        let offences = Set(changed).intersection(blocked).sorted(by: byteOrder)
        guard offences.isEmpty else {
            throw Refusal(
                .invalidState, field: "month",
                "The levy on \(offences.prefix(20).joined(separator: ", ")) is charged: these acts cannot change. "
                    + "Compensate in the open month.",
                fields: offences.prefix(50).map {
                    Refusal.FieldProblem(field: $0, code: "act_blocked", detail: "The levy on this act is charged.")
                })
        }
    }

    private static func require(
        _ month: AccountingMonth, _ from: MonthState, _ to: MonthState, on db: isolated PostgresConnection
    ) throws -> MonthStatus {
        try CheckpointStore.lockLedgers(on: db)
        let status = try status(of: month, on: db)
        guard status.state == from, from.next.contains(to) else {
            throw Refusal(
                .invalidState, field: "month",
                "\(month) is \(status.state.rawValue): it cannot become \(to.rawValue) now.")
        }
        return status
    }

    private static func move(
        _ status: MonthStatus, to state: MonthState, _ actor: MonthActor, reason: String?, details: String = "{}",
        audits: Bool = true, on db: isolated PostgresConnection
    ) throws {
        let moved = try db.query(
            "update month_close set state = $2, revision = revision + 1 where month = $1 and revision = $3",
            [.date(days: status.month.first.number), .text(state.rawValue), .int8(status.revision)]
        ).affected
        guard moved == 1 else { throw Refusal.changedMeanwhile }
        try record(
            status.month, status.version, status.state, state, actor, reason: reason, details: details, audits: audits,
            on: db)
    }

    private static func record(
        _ month: AccountingMonth, _ version: Int32, _ from: MonthState, _ to: MonthState, _ actor: MonthActor,
        reason: String?, details: String = "{}", audits: Bool = true, on db: isolated PostgresConnection
    ) throws {
        try db.query(
            """
            insert into month_transition (month, version, from_state, to_state, at, actor, reason, details)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            [
                .date(days: month.first.number), .int4(version), .text(from.rawValue), .text(to.rawValue),
                .timestamptz(micros: actor.at.micros), .text(actor.name), .text(orNull: reason), .jsonb(details),
            ])
        guard audits else { return }
        try AuditLog.record(
            AuditEntry(
                actor: actor.name, action: "month.\(to == .frozen && from != .open ? "corrected" : to.rawValue)",
                object: "month", id: month.description, advertiser: nil,
                before: try FrozenJSON.encode(Step(state: from.rawValue)),
                after: try FrozenJSON.encode(Step(state: to.rawValue, version: version, reason: reason)),
                requestID: actor.request, at: actor.at), on: db)
    }

    /// A step of a month in the audit log.
    private struct Step: Encodable {
        var state: String
        var version: Int32?
        var reason: String?
    }
}
