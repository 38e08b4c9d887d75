import AdModel
import Attribution
import Postgres

/// Decides a round of orders, leaving out those that contradict themselves.
struct DecidedRound {
    /// What was read, with the rows that it gives; several when a contradiction split the round.
    var parts: [(world: AttributionWorld, rows: [CreditRow])] = []
    /// Orders that attribution cannot decide.
    var refused: [OrderKey] = []

    /// - Parameter policy: nil = each touch under the policy that its campaign had; else one contest of all.
    static func decide(
        _ keys: [OrderKey], under policy: AttributionPolicy?, on connection: isolated PostgresConnection
    ) throws -> DecidedRound {
        var result = DecidedRound()
        var rounds = [keys[...]]
        while let round = rounds.popLast() {
            do {
                let world = try AttributionWorld.load(Array(round), on: connection)
                let rows = try policy.map { try world.credits(under: $0) } ?? world.credits()
                result.parts.append((world, rows))
            } catch let error as AttributionError {
                if round.count == 1 {
                    // A policy that nobody knows is no fault of the order.
                    if error.code == "unknown_policy" { throw error }
                    result.refused += round
                } else {
                    let middle = round.startIndex + round.count / 2
                    rounds.append(round[middle...])
                    rounds.append(round[..<middle])
                }
            }
        }
        return result
    }
}

/// The public codes of what touches and credits belong to.
struct AttributionNames {
    private(set) var advertisers: [Int32: String] = [:]
    private(set) var campaigns: [Int32: String] = [:]
    private(set) var lineItems: [Int32: String] = [:]

    /// Everything that these campaigns are.
    static func load(
        campaigns ids: some Sequence<Int32>, on connection: isolated PostgresConnection
    ) throws -> AttributionNames {
        var names = AttributionNames()
        let rows = try connection.query(
            """
            select c.id, c.code, a.id, a.code from campaign c join advertiser a on a.id = c.advertiser_id
            where c.id = any($1::int4[])
            """, [.int4Array(Set(ids).sorted())])
        for row in rows {
            names.campaigns[try row.int32(0)] = try row.string(1)
            names.advertisers[try row.int32(2)] = try row.string(3)
        }
        let lines = try connection.query(
            "select id, code from line_item where campaign_id = any($1::int4[])",
            [.int4Array(names.campaigns.keys.sorted())])
        for row in lines { names.lineItems[try row.int32(0)] = try row.string(1) }
        return names
    }

    func advertiser(_ id: AttributionID) -> String { Int32(id.text).flatMap { advertisers[$0] } ?? id.text }
    func campaign(_ id: AttributionID) -> String { Int32(id.text).flatMap { campaigns[$0] } ?? id.text }
    func lineItem(_ id: AttributionID) -> String { Int32(id.text).flatMap { lineItems[$0] } ?? id.text }
}
