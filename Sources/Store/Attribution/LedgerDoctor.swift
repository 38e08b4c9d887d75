import AdModel
import Attribution
import Billing
import ORD
import Postgres

/// Checks every invariant of the ledgers on the data as it is: credits, touches, charges, spend counters, rollups and
/// what was published.
public enum LedgerDoctor {
    /// Offending ids that a finding names.
    public static let idLimit = 20

    /// The outcome of one check.
    public struct Finding: Equatable, Sendable {
        /// Stable word.
        public var check: String
        /// What must hold.
        public var rule: String
        /// Rows that break it; 0 = it holds.
        public var count: Int64
        /// The first of them.
        public var ids: [String]
    }

    /// All checks, in order.
    public struct Report: Equatable, Sendable {
        public var findings: [Finding]
        public var isHealthy: Bool { findings.allSatisfy { $0.count == 0 } }
        /// The checks that failed.
        public var failures: [Finding] { findings.filter { $0.count > 0 } }
    }

    /// A check that one statement makes: each row of its answer is one offence.
    struct Check: Sendable {
        var name: String
        var rule: String
        /// Selects a column `id` of text. May use the tables `policy` and `setting` and those of `preamble`.
        var sql: String
    }

    /// Runs every check in the caller's transaction, which must see every tenant and should see one snapshot.
    ///
    /// - Parameters:
    ///   - idLimit: offending ids to name per check.
    ///   - now: whose labels are compared with the register: what serves at this instant; nil leaves them out.
    public static func run(
        idLimit: Int = LedgerDoctor.idLimit, now: Timestamp? = nil, on connection: isolated PostgresConnection
    ) throws -> Report {
        let zone = try InstallationZone.read(on: connection)
        let policies = try Policies.installed(on: connection)
        var findings: [Finding] = []
        for check in CreditChecks.all + MoneyChecks.all {
            findings.append(try run(check, policies, zone, idLimit, connection))
        }
        let touches = try TouchAudit.run(
            from: Timestamp(micros: 0), to: Timestamp(micros: 8_000_000_000_000_000), limit: idLimit, on: connection)
        findings.append(
            Finding(
                check: "touch_follows_from_event", rule: "Touches are exactly what the stored events give.",
                count: touches.count, ids: touches.touches.map { "\($0.id) \($0.problem)" }))
        findings += try recomputation(zone, policies, idLimit, connection)
        findings += try published(zone, idLimit, connection)
        if let now {
            let labels = try LabelAudit.run(now: now, on: connection)
            findings.append(
                Finding(
                    check: "label_is_registered",
                    rule: "What a page says of an ad is what the operator was told of it, byte for byte.",
                    count: Int64(labels.count), ids: labels.prefix(idLimit).map { "\($0.object): \($0.message)" }))
        }
        return Report(findings: findings)
    }

    private static func run(
        _ check: Check, _ policies: PolicySet, _ zone: AccountingZone, _ idLimit: Int,
        _ connection: isolated PostgresConnection
    ) throws -> Finding {
        let rules = policies.policies.map(\.policy)
        let rows = try connection.query(
            """
            with policy as (
                select * from unnest($1::text[], $2::int8[], $3::int8[], $4::text[], $5::text[], $6::bool[], $7::text[])
                    as p (name, click, view, counted, scope, separate, levels)
            ), setting as (select $8::text as zone), \(CreditChecks.preamble), bad as (
            \(check.sql)
            )
            select id, count(*) over () from bad order by id collate "C" limit $9
            """,
            [
                .textArray(rules.map(\.name)), .array(rules.map { .int8(orNull: $0.clickWindow?.micros) }),
                .array(rules.map { .int8(orNull: $0.viewWindow?.micros) }),
                .textArray(rules.map(\.viewCounting.rawValue)),
                .textArray(rules.map(\.scope.rawValue)), .array(rules.map { .bool($0.separatesInteractions) }),
                .textArray(rules.map { $0.levels.map(\.rawValue).joined(separator: " ") }), .text(zone.identifier),
                .int(idLimit),
            ])
        return Finding(
            check: check.name, rule: check.rule, count: try rows.first?.int64(1) ?? 0,
            ids: try rows.map { try $0.string(0) })
    }

    // MARK: Against the engine

    /// One contest: what it credits may not exceed what the line was sold for.
    private struct ContestKey: Hashable {
        var orderID: AttributionID
        var lineNumber: Int64
        var policy: String
        var scope: AttributionID?
        var interaction: Interaction?
    }

    private static func recomputation(
        _ zone: AccountingZone, _ policies: PolicySet, _ idLimit: Int, _ connection: isolated PostgresConnection
    ) throws -> [Finding] {
        var differs = Finding(
            check: "recomputation_equals_ledger", rule: "The net position is what a recomputation from the log gives.",
            count: 0, ids: [])
        var exceeds = Finding(
            check: "credit_within_sale",
            rule: "Credits never exceed what is left of the line; of a gross policy, what it was sold for.", count: 0,
            ids: [])
        let span = try connection.query("select min(ordered_at), max(ordered_at) from customer_order").single()
        guard let first = try span.microsIfPresent(0), let last = try span.microsIfPresent(1) else {
            return [differs, exceeds]
        }
        let range = OrderRounds.Range(
            from: zone.day(of: Timestamp(micros: first)), to: zone.day(of: Timestamp(micros: last)))
        let report = try LedgerReplay.run(range, policy: nil, auditsTouches: false, on: connection) { decided, booked in
            var nets: [AttributionID: [Int64: LineNet]] = [:]
            for part in decided.parts {
                for net in try AttributionEngine.nets(
                    part.world.input { _ in false }, reference: part.world.reference)
                {
                    nets[net.orderID, default: [:]][net.lineNumber] = net
                }
            }
            for (key, sum) in sums(booked, policies) {
                let isGross = policies.policy(key.policy)?.policy.basis == .gross
                let net = nets[key.orderID]?[key.lineNumber]
                let units = isGross ? net?.units : net?.netUnits
                let amount = isGross ? net?.amountMicros : net?.netAmountMicros
                if sum.units <= units ?? 0, sum.amount <= amount ?? 0 { continue }
                exceeds.count += 1
                if exceeds.ids.count < idLimit {
                    exceeds.ids.append("\(key.orderID.text)/\(key.lineNumber) \(key.policy)")
                }
            }
        }
        differs.count = Int64(report.differing)
        differs.ids = report.differences.prefix(idLimit).map { "\($0.storefront)/\($0.orderID)" }
        return [differs, exceeds]
    }

    private static func sums(
        _ rows: [CreditRow], _ policies: PolicySet
    ) -> [ContestKey: (units: Int64, amount: Int64)] {
        var result: [ContestKey: (units: Int64, amount: Int64)] = [:]
        for row in rows {
            let policy = policies.policy(row.policy)?.policy
            let scope: AttributionID? =
                switch policy?.scope {
                case .advertiser: row.advertiserID
                case .campaign: row.campaignID
                default: nil
                }
            let key = ContestKey(
                orderID: row.orderID, lineNumber: row.lineNumber, policy: row.policy, scope: scope,
                interaction: policy?.separatesInteractions == true ? row.interaction : nil)
            let old = result[key] ?? (0, 0)
            result[key] = (old.units &+ row.units, old.amount &+ row.amountMicros)
        }
        return result
    }

    // MARK: What was published

    private static func published(
        _ zone: AccountingZone, _ idLimit: Int, _ connection: isolated PostgresConnection
    ) throws -> [Finding] {
        var postings = Finding(
            check: "published_month_unchanged",
            rule: "No row was added to, taken from or changed in a published month.",
            count: 0, ids: [])
        var results = Finding(
            check: "published_result_unchanged",
            rule: "The ledger up to its cut still gives what each publication says.",
            count: 0, ids: [])
        var after: Int64 = 0
        while true {
            let page = try Publications.list(after: after, limit: 100, on: connection)
            guard let last = page.last else { break }
            after = last.id
            for publication in page {
                if try Publications.postingHash(publication.month, through: nil, on: connection)
                    != publication.postingHash
                {
                    postings.count += 1
                    if postings.ids.count < idLimit { postings.ids.append(publication.code) }
                }
                if try Publications.resultHash(of: publication, zone: zone, on: connection) != publication.resultHash {
                    results.count += 1
                    if results.ids.count < idLimit { results.ids.append(publication.code) }
                }
            }
        }
        return [postings, results]
    }
}
