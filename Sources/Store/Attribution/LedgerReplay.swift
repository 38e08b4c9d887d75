import AdModel
import Attribution
import Billing
import Crypto
import Postgres

/// Recomputes credits from orders and events, and says whether the ledger holds the same (rule 20).
public enum LedgerReplay {
    /// Differing or moved orders that a report names.
    public static let orderLimit = 100

    /// Sums of one campaign, click-through and view-through apart.
    public struct Sums: Equatable, Sendable {
        /// Orders with a line credited.
        public var orders = 0
        public var units: Int64 = 0
        public var amountMicros: Int64 = 0
    }

    /// One campaign under one policy.
    public struct Share: Equatable, Sendable {
        public var advertiser: String
        public var campaign: String
        public var policy: String
        /// `click` or `view`.
        public var interaction: String
        public var sums: Sums
    }

    /// An order for which two computations say different things.
    public struct Difference: Equatable, Sendable {
        public var storefront: String
        public var orderID: String
        /// Rows of the net position that only the ledger has, as CSV.
        public var ledger: [String]
        /// Rows that only the recomputation has.
        public var replay: [String]
    }

    /// What a replay found.
    public struct Report: Sendable {
        public var range: OrderRounds.Range
        /// The policy of a what-if; nil = every campaign's own.
        public var policy: String?
        public var orders = 0
        /// Orders that contradict themselves, which nobody is credited for.
        public var refused = 0
        /// Names of the policies that decided.
        public var policies: [String] = []
        public var inputsHash: [UInt8] = []
        public var policyHash: [UInt8] = []
        /// Of the net position of the ledger.
        public var ledgerHash: [UInt8] = []
        /// Of the net position of the recomputation.
        public var resultHash: [UInt8] = []
        public var ledgerEntries = 0
        public var resultEntries = 0
        /// Orders that differ; the first are in `differences`.
        public var differing = 0
        public var differences: [Difference] = []
        /// Touches that do not follow from their events; empty for a what-if.
        public var touches = TouchAudit.Findings()
        /// Per campaign: what is booked, and what the recomputation says.
        public var booked: [Share] = []
        public var replayed: [Share] = []

        /// Net positions agree byte for byte, and touches follow from the log.
        public var agrees: Bool { differing == 0 && ledgerHash == resultHash && touches.count == 0 }
    }

    /// Replays orders of some days in the caller's transaction, which must see every tenant.
    ///
    /// - Parameters:
    ///   - policy: a what-if: one contest of all touches under this policy, compared with what is booked.
    ///   - auditsTouches: also derive the touches from the stored events and compare.
    public static func run(
        _ range: OrderRounds.Range, policy: AttributionPolicy? = nil, auditsTouches: Bool = true,
        on connection: isolated PostgresConnection
    ) throws -> Report {
        try run(range, policy: policy, auditsTouches: auditsTouches, on: connection) { _, _ in }
    }

    /// The same; `round` gets what each round decided, and the ledger's rows of it, one a part.
    static func run(
        _ range: OrderRounds.Range, policy: AttributionPolicy?, auditsTouches: Bool,
        on connection: isolated PostgresConnection, round: (DecidedRound, [CreditRow]) throws -> Void
    ) throws -> Report {
        let zone = try InstallationZone.read(on: connection)
        let installed = try Policies.installed(on: connection)
        var report = Report(range: range, policy: policy?.name)
        var inputs = RowDigest("nimb attribution inputs/1")
        var before = Tally()
        var after = Tally()
        var policies: Set<String> = policy.map { [$0.name] } ?? []
        let storefronts = try Self.storefronts(on: connection)
        try OrderRounds.forEach(range, zone: zone, on: connection) { keys in
            let decided = try DecidedRound.decide(keys, under: policy, on: connection)
            for part in decided.parts {
                AttributionDigest.add(part.world, to: &inputs)
                if policy == nil { policies.formUnion(part.world.candidates.map(\.policy)) }
            }
            // The ledger of an order that cannot be decided stays as it is, and so it is not compared.
            let refused = Set(decided.refused.map { AttributionWorld.scoped($0.storefrontID, $0.orderID) })
            let booked = try LedgerRows.parts(of: keys, on: connection).filter { !refused.contains($0.orderID) }
            let computed = decided.parts.flatMap(\.rows)
            try round(decided, booked)
            report.orders += keys.count
            report.refused += refused.count
            compare(before.add(booked), after.add(computed), storefronts, &report)
        }
        report.policies = policies.sorted()
        report.inputsHash = inputs.finish()
        report.policyHash = AttributionDigest.policies(
            try policy.map { [$0] } ?? report.policies.map { try installed.rules($0) })
        (report.ledgerHash, report.resultHash) = (before.finish(), after.finish())
        (report.ledgerEntries, report.resultEntries) = (before.entries, after.entries)
        if policy == nil, auditsTouches {
            report.touches = try TouchAudit.run(
                from: zone.start(of: range.from) - installed.longestWindow, to: zone.start(of: range.to + 1),
                on: connection)
        }
        let names = try AttributionNames.load(campaigns: before.campaigns.union(after.campaigns), on: connection)
        report.booked = before.shares(names)
        report.replayed = after.shares(names)
        return report
    }

    /// Sums, bytes and shares of one side.
    private struct Tally {
        struct Key: Hashable {
            var campaign: AttributionID
            var advertiser: AttributionID
            var policy: String
            var interaction: Interaction
        }

        var entries = 0
        var sums: [Key: Sums] = [:]
        private var hash: SHA256

        init() {
            hash = SHA256()
            hash.update(data: Array(NetPosition.header.utf8))
        }

        var campaigns: Set<Int32> { Set(sums.keys.compactMap { Int32($0.campaign.text) }) }

        mutating func add(_ rows: [CreditRow]) -> NetPosition {
            let position = NetPosition(rows)
            hash.update(data: position.rows)
            entries += position.entries.count
            var orders: [Key: Set<AttributionID>] = [:]
            for entry in position.entries {
                let key = Key(
                    campaign: entry.key.campaignID, advertiser: entry.key.advertiserID, policy: entry.key.policy,
                    interaction: entry.key.interaction)
                sums[key, default: Sums()].units += entry.units
                sums[key, default: Sums()].amountMicros += entry.amountMicros
                orders[key, default: []].insert(entry.key.orderID)
            }
            for (key, found) in orders { sums[key, default: Sums()].orders += found.count }
            return position
        }

        mutating func finish() -> [UInt8] { Array(hash.finalize()) }

        func shares(_ names: AttributionNames) -> [Share] {
            sums.map { key, sums in
                Share(
                    advertiser: names.advertiser(key.advertiser), campaign: names.campaign(key.campaign),
                    policy: key.policy, interaction: key.interaction.rawValue, sums: sums)
            }.sorted {
                ($0.advertiser, $0.campaign, $0.policy, $0.interaction)
                    < ($1.advertiser, $1.campaign, $1.policy, $1.interaction)
            }
        }
    }

    /// What makes two entries the same; the policy's name is the question of a what-if, not a difference.
    private struct Entry: Hashable {
        var entry: NetPosition.Entry

        init(_ entry: NetPosition.Entry, ignoringPolicy: Bool) {
            self.entry = entry
            if ignoringPolicy { self.entry.key.policy = "" }
        }
    }

    private static func compare(
        _ before: NetPosition, _ after: NetPosition, _ storefronts: [Int32: String], _ report: inout Report
    ) {
        if before == after { return }
        let whatIf = report.policy != nil
        let booked = Dictionary(grouping: before.entries, by: \.key.orderID)
        let computed = Dictionary(grouping: after.entries, by: \.key.orderID)
        for order in Set(booked.keys).union(computed.keys).sorted() {
            let old = booked[order] ?? []
            let new = computed[order] ?? []
            let oldKeys = Set(old.map { Entry($0, ignoringPolicy: whatIf) })
            let newKeys = Set(new.map { Entry($0, ignoringPolicy: whatIf) })
            if oldKeys == newKeys { continue }
            report.differing += 1
            guard report.differences.count < orderLimit else { continue }
            report.differences.append(
                Difference(
                    storefront: AttributionWorld.storefront(order).flatMap { storefronts[$0] } ?? "",
                    orderID: AttributionWorld.unscoped(order),
                    ledger: old.filter { !newKeys.contains(Entry($0, ignoringPolicy: whatIf)) }.map(text),
                    replay: new.filter { !oldKeys.contains(Entry($0, ignoringPolicy: whatIf)) }.map(text)))
        }
    }

    private static func text(_ entry: NetPosition.Entry) -> String {
        let key = entry.key
        return "line \(key.lineNumber) \(key.policy) campaign \(key.campaignID.text) touch \(key.touchID.text) "
            + "\(key.interaction.rawValue) \(key.level.rawValue): \(entry.units) units, \(entry.amountMicros) micros"
    }

    static func storefronts(on connection: isolated PostgresConnection) throws -> [Int32: String] {
        var result: [Int32: String] = [:]
        for row in try connection.query("select id, code from storefront") {
            result[try row.int32(0)] = try row.string(1)
        }
        return result
    }

    /// Appends what the ledger lacks for orders of these days; for repair after reference data was corrected.
    public static func repair(
        _ range: OrderRounds.Range, now: Timestamp, on connection: isolated PostgresConnection
    ) throws -> CreditSummary {
        let zone = try InstallationZone.read(on: connection)
        try CheckpointStore.lockLedgers(on: connection)
        var summary = CreditSummary()
        try OrderRounds.forEach(range, zone: zone, on: connection) { keys in
            let round = try CreditLedger.bringUpToDate(
                CreditLedger.Triggers(recomputed: Set(keys)), zone: zone, now: now, on: connection)
            summary.orders += round.orders
            summary.rows += round.rows
            summary.refused += round.refused
        }
        return summary
    }
}
