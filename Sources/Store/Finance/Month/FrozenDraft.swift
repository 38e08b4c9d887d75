import AdModel
import Billing
import Foundation
import ORD
import Postgres

/// A version of a month while it is being made: read, numbered, rounded, stored. The caller holds the ledgers' lock.
struct FrozenDraft {
    let month: AccountingMonth
    let version: Int32
    let actor: MonthActor
    let kind: String
    var statement: MonthStatement
    var settlement: Settlement
    /// Internal ids of contracts by external id.
    private let contracts: [String: Int32]
    private var roundings: [String: (charge: Int64?, sum: Int64)] = [:]

    init(
        _ month: AccountingMonth, version: Int32, _ actor: MonthActor, kind: String, reason: String?,
        on db: isolated PostgresConnection
    ) throws {
        self.month = month
        self.version = version
        self.actor = actor
        self.kind = kind
        let highest = try db.query("select coalesce(max(id), 0) as id from charge").single().int64("id")
        statement = try MonthReader(month: month, highestChargeID: highest, on: db).statement(on: db)
        statement.cut = MonthStatement.Cut(highestChargeID: highest, at: actor.at)
        statement.edition = try MonthExports.edition(month, version: version, reason: reason, on: db)
        statement.actualStarts = try MonthExports.actualStarts(month, on: db)
        settlement = Settlement(statement)
        var ids: [String: Int32] = [:]
        for row in try db.query("select id, code from contract") {
            ids[ExternalIDs.contract(try row.string("code"))] = try row.int32("id")
        }
        contracts = ids
    }

    private var monthValue: PostgresValue { .date(days: month.first.number) }

    /// Gives every act its serial, in order of contract id; an act that had one keeps it.
    mutating func number(on db: isolated PostgresConnection) throws {
        for act in settlement.acts.sorted(by: { byteOrder($0.contractID, $1.contractID) })
        where act.commission == nil {
            guard let contract = contracts[act.contractID] else { continue }
            statement.serials[act.contractID] = try ActSerials.serial(
                contract: contract, month: month, actDate: act.date, now: actor.at, on: db)
        }
        settlement = Settlement(statement)
    }

    /// One row of the ledger per act makes it equal to the act; a later version posts the difference.
    mutating func round(zone: AccountingZone, on db: isolated PostgresConnection) throws {
        var posted: [Int32: Int64] = [:]
        for row in try db.query(
            """
            select k.contract_id, sum(c.amount_micros)::bigint as sum from charge c join campaign k on k.id = c.campaign_id
            where c.kind = 'rounding' and c.accounting_day between $1 and $2 group by 1
            """, [monthValue, .date(days: month.last.number)])
        { posted[try row.int32("contract_id")] = try row.int64("sum") }
        var wanted: [Int32: (external: String, sum: Int64)] = [:]
        for ledger in settlement.ledgers {
            guard let id = contracts[ledger.contractID] else { continue }
            wanted[id] = (ledger.contractID, ledger.rounding.value)
        }
        for (id, _) in posted where wanted[id] == nil {
            wanted[id] = (contracts.first { $0.value == id }?.key ?? "", 0)
        }
        for (id, rounding) in wanted.sorted(by: { $0.key < $1.key }) {
            let difference = rounding.sum - (posted[id] ?? 0)
            let charge =
                difference == 0
                ? nil : try post(difference, contract: id, external: rounding.external, zone: zone, on: db)
            roundings[rounding.external] = (charge, rounding.sum)
        }
    }

    private func post(
        _ amount: Int64, contract: Int32, external: String, zone: AccountingZone, on db: isolated PostgresConnection
    ) throws -> Int64 {
        // On the line item that took most of the month, which has a row of the act for certain.
        let row = try db.query(
            """
            with target as (
                select c.line_item_id, c.campaign_id, c.advertiser_id from charge c join campaign k on k.id = c.campaign_id
                where k.contract_id = $1 and c.accounting_day between $2 and $3 and c.kind <> 'carry'
                group by 1, 2, 3 order by sum(c.amount_micros) desc, c.line_item_id limit 1)
            insert into charge (kind, advertiser_id, campaign_id, line_item_id, event_time, accounting_day, price_micros,
                amount_micros, reason, note, recorded_at)
            select 'rounding', advertiser_id, campaign_id, line_item_id, $4, $3, 0, $5, 'rounding', $6, $7 from target
            returning id, advertiser_id
            """,
            [
                .int4(contract), monthValue, .date(days: month.last.number),
                .timestamptz(micros: zone.start(of: month.last).micros), .int8(amount),
                .text(Settlement.actID(external, month)), .timestamptz(micros: actor.at.micros),
            ]
        ).single()
        try db.query(
            """
            insert into advertiser_spend (advertiser_id, spent_micros) values ($1, $2)
            on conflict (advertiser_id) do update set spent_micros = advertiser_spend.spent_micros + excluded.spent_micros
            """, [.int4(try row.int32("advertiser_id")), .int8(amount)])
        return try row.int64("id")
    }

    // MARK: Rows

    /// Writes the version and everything it is made of.
    func store(on db: isolated PostgresConnection) throws {
        try db.query(
            """
            insert into month_version (month, version, kind, frozen_at, actor, reason, time_zone, cut_charge_id, cut_at,
                ledger_micros, shows)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $4, $9, $10)
            """,
            [
                monthValue, .int4(version), .text(kind), .timestamptz(micros: actor.at.micros), .text(actor.name),
                .text(orNull: statement.edition?.reason), .text(statement.timeZone),
                .int8(statement.cut.highestChargeID), .int8(statement.ledgerTotal.value), .int8(statement.showsTotal),
            ])
        try objects("person", statement.persons, on: db)
        try objects("contract", statement.contracts, on: db)
        try objects("pad", statement.pads, on: db)
        try objects("creative", statement.creatives, on: db)
        try objects("media", statement.media, on: db)
        try objects("line_item", statement.lineItems, on: db)
        try objects("cid", statement.cids, on: db)
        try objects("commission", statement.agentReports, on: db)
        try objects("actual_start", dated(statement.actualStarts), on: db)
        try objects("act_date", dated(statement.actDates), on: db)
        try objects(
            "details",
            statement.details.map { FrozenDetails(id: $0.key, details: $0.value) }.sorted { byteOrder($0.id, $1.id) },
            on: db)
        try db.query(
            """
            insert into month_media (month, version, sha256) select $1, $2, s from unnest($3::bytea[]) s
            where exists (select 1 from media m where m.sha256 = s)
            """, [monthValue, .int4(version), .byteaArray(statement.media.map { Hex.bytes($0.sha256) })])
        try facts(on: db)
        try acts(on: db)
        try rows(on: db)
    }

    private func dated(_ days: [String: Day]) -> [FrozenDay] {
        days.map { FrozenDay(id: $0.key, day: $0.value) }.sorted { byteOrder($0.id, $1.id) }
    }

    private func objects(
        _ kind: String, _ values: [some Encodable & SendableMetatype], on db: isolated PostgresConnection
    ) throws {
        guard !values.isEmpty else { return }
        try db.query(
            """
            insert into month_object (month, version, kind, place, body)
            select $1, $2, $3, place, body::jsonb from unnest($4::text[]) with ordinality as t (body, place)
            """, [monthValue, .int4(version), .text(kind), .textArray(try values.map(FrozenJSON.encode))])
    }

    private func facts(on db: isolated PostgresConnection) throws {
        try db.copyStaged(
            "month_fact",
            [
                "month", "version", "place", "line_item", "creative", "pad", "day", "shows", "ledger_micros",
                "billed_impressions", "billed_clicks", "first_charge_id",
            ]
        ) { writer in
            for (place, fact) in statement.facts.enumerated() {
                try writer.row(
                    monthValue, .int4(version), .int4(Int32(place)), .text(fact.lineItemID),
                    .text(orNull: fact.creativeID), .text(orNull: fact.padID), .date(days: fact.day.number),
                    .int8(fact.shows), .int8(fact.ledger.value), .int8(fact.billedImpressions),
                    .int8(fact.billedClicks), .int8(fact.chargeID))
            }
        }
    }

    private func acts(on db: isolated PostgresConnection) throws {
        for act in settlement.acts {
            guard let contract = contracts[act.contractID] else { continue }
            let ledger = settlement.ledgers.first { $0.actID == act.id }
            let rounding = roundings[act.contractID]
            try db.query(
                """
                insert into month_act (month, version, act, contract, contract_id, serial, act_date, ledger_micros,
                    rounding_micros, rounding_charge_id, excluding_kopecks, vat_rate, vat_kopecks, body)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
                """,
                [
                    monthValue, .int4(version), .text(act.id), .text(act.contractID), .int4(contract),
                    .text(act.serial ?? ""), .date(days: act.date.number), .int8(ledger?.ledger.value ?? 0),
                    .int8(rounding?.sum ?? 0), .int8(orNull: rounding?.charge),
                    .int8(act.services.excludingVAT.kopecks), .text(act.services.rate.rawValue),
                    .int8(act.services.vat.kopecks), .jsonb(try FrozenJSON.encode(act)),
                ])
        }
    }

    private func rows(on db: isolated PostgresConnection) throws {
        var owner: [String: String] = [:]
        for act in settlement.acts { for item in act.items { for id in item.creativeIDs { owner[id] = act.id } } }
        try db.copyStaged(
            "month_row",
            ["month", "version", "creative", "pad", "act", "shows", "excluding_units", "vat_units", "body"]
        ) { writer in
            for row in settlement.rows {
                try writer.row(
                    monthValue, .int4(version), .text(row.creativeID), .text(row.padID),
                    .text(orNull: row.amount == nil ? nil : owner[row.creativeID]), .int8(row.shows),
                    .int8(orNull: row.amount?.excludingVAT.units), .int8(orNull: row.amount?.vat.units),
                    .jsonb(try FrozenJSON.encode(row)))
            }
        }
    }
}

/// A day of something, as a frozen object.
struct FrozenDay: Codable {
    var id: String
    var day: Day
}

/// What papers say of a party, as a frozen object.
struct FrozenDetails: Codable {
    var id: String
    var details: PartyDetails
}

/// Frozen values as JSON.
enum FrozenJSON {
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func decode<T: Decodable>(_ type: T.Type, _ text: String) throws -> T {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }
}
