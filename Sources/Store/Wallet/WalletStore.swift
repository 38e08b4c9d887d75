import AdModel
import ORD
import Postgres

/// Wallets: what came in, what went out, what is left.
public enum WalletStore {
    /// The greatest sum of one movement: a milliard roubles.
    public static let amountLimit = Micros.roubles(1_000_000_000)

    /// Records a movement, once per reference.
    ///
    /// - Returns: the entry, and whether it is new; a repeated reference with the same content returns the entry that
    ///   is there.
    /// - Throws: `Refusal` when the reference stands for something else, a withdrawal is beyond what may be taken out,
    ///   or a refund is beyond what the campaign was charged.
    public static func record(
        _ movement: WalletMovement, advertiser: Int32, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> (entry: WalletEntry, isNew: Bool) {
        try lock(advertiser, on: db)
        if let entry = try entry(reference: movement.reference, on: db) {
            return (try same(entry, movement, advertiser), false)
        }
        switch movement.kind {
        case .topUp: break
        case .withdrawal:
            let left = try summary(advertiser: advertiser, now: now, on: db).withdrawable
            if movement.amount > left {
                throw Refusal(
                    .insufficientFunds, field: "amount_micros",
                    "at most \(left.value) micro-roubles can be taken out: the balance less what is promised")
            }
        case .refund: try checkRefund(movement, on: db)
        }
        let signed = movement.kind == .withdrawal ? -movement.amount : movement.amount
        let inserted = try db.query(
            """
            insert into wallet_entry (advertiser_id, kind, amount_micros, reference, recorded_at, reason, actor,
                contract_id, paid_kopecks, vat_kopecks, vat_rate, campaign_id)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            on conflict (reference) do nothing returning id
            """,
            [
                .int4(advertiser), .text(movement.kind.rawValue), .int8(signed.value), .text(movement.reference),
                .timestamptz(micros: now.micros), .text(movement.reason), .text(movement.actor),
                .int4(orNull: movement.contractID), .int8(orNull: movement.paid?.gross.kopecks),
                .int8(orNull: movement.paid?.vat.kopecks), .text(orNull: movement.rate?.rawValue),
                .int4(orNull: movement.campaignID),
            ])
        guard let entry = try entry(reference: movement.reference, on: db) else {
            throw Refusal(.referenceConflict, field: "reference", "the reference is used in another wallet")
        }
        // Somebody else was faster with the same reference in another wallet.
        return inserted.isEmpty ? (try same(entry, movement, advertiser), false) : (entry, true)
    }

    private static func same(
        _ entry: WalletEntry, _ movement: WalletMovement, _ advertiser: Int32
    ) throws -> WalletEntry {
        let signed = movement.kind == .withdrawal ? -movement.amount : movement.amount
        guard entry.advertiserID == advertiser, entry.kind == movement.kind, entry.amount == signed,
            entry.reason == movement.reason, entry.paid == movement.paid?.gross
        else {
            throw Refusal(
                .referenceConflict, field: "reference",
                "the reference stands for \(entry.kind.rawValue) \(entry.code) of other content: choose another one")
        }
        return entry
    }

    /// What all refunds of a campaign give back is at most what it was charged.
    private static func checkRefund(_ movement: WalletMovement, on db: isolated PostgresConnection) throws {
        guard let campaign = movement.campaignID else {
            throw Refusal.field("campaign", "required", "A refund names the charge or the campaign that it gives back.")
        }
        let left = try db.query(
            """
            select \(SumSQL.clamped("""
                coalesce((select sum(amount_micros) from charge where campaign_id = $1), 0)
                - coalesce((select sum(amount_micros) from wallet_entry where campaign_id = $1), 0)
                """)) as left
            """, [.int4(campaign)]
        ).single().int64("left")
        guard movement.amount.value <= left else {
            throw Refusal.field(
                "amount_micros", "exceeds_charges",
                "Of what the campaign was charged, \(max(0, left)) micro-roubles have not been refunded.")
        }
    }

    /// One movement at a time per wallet; leases wait for the first lock, charges for the second.
    static func lock(_ advertiser: Int32, on db: isolated PostgresConnection) throws {
        try db.query("select 1 from advertiser where id = $1 for no key update", [.int4(advertiser)])
        try db.query(
            "insert into advertiser_spend (advertiser_id) values ($1) on conflict do nothing", [.int4(advertiser)])
        try db.query("select 1 from advertiser_spend where advertiser_id = $1 for update", [.int4(advertiser)])
    }

    // MARK: Reading

    /// What a wallet holds at an instant.
    public static func summary(
        advertiser: Int32, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> WalletSummary {
        let row = try db.query(
            """
            with \(OutstandingSQL.lines(where: "l.advertiser_id = $1"))
            select a.credit_limit_micros,
                \(SumSQL.clamped("""
                    coalesce((select sum(w.amount_micros) from wallet_entry w where w.advertiser_id = a.id), 0)
                    """)) as entries,
                coalesce((select spent_micros from advertiser_spend p where p.advertiser_id = a.id), 0) as spent,
                \(SumSQL.clamped("coalesce((select sum(outstanding) from line), 0)")) as reserved,
                o.events, \(SumSQL.clamped("coalesce(o.price, 0)")) as price
            from advertiser a
            cross join (
                select count(*) as events, sum(price_micros - amount_micros) as price from charge
                where advertiser_id = $1 and reason in ('over_budget', 'over_daily_budget', 'over_wallet')
            ) o
            where a.id = $1
            """, [.int4(advertiser), .timestamptz(micros: now.micros)]
        ).single()
        let spent = Micros(try row.int64("spent"))
        return WalletSummary(
            balance: Micros(try row.int64("entries")) - spent,
            creditLimit: Micros(try row.int64("credit_limit_micros")),
            reserved: Micros(try row.int64("reserved")), spent: spent,
            overDeliveryEvents: try row.int64("events"), overDelivery: Micros(try row.int64("price")))
    }

    /// The entry of a reference, in whichever wallet the caller may see.
    public static func entry(reference: String, on db: isolated PostgresConnection) throws -> WalletEntry? {
        try entries("e.reference = $1", [.text(reference)], on: db).first
    }

    /// Entries of one wallet, oldest first.
    public static func entries(
        advertiser: Int32, after: Int64?, limit: Int, on db: isolated PostgresConnection
    ) throws -> [WalletEntry] {
        try entries(
            "e.advertiser_id = $1 and e.id > $2 order by e.id limit $3",
            [.int4(advertiser), .int8(after ?? 0), .int(limit)], on: db)
    }

    private static func entries(
        _ filter: String, _ values: [PostgresValue], on db: isolated PostgresConnection
    ) throws -> [WalletEntry] {
        try db.query(
            """
            select e.id, e.code, e.advertiser_id, e.kind, e.amount_micros, e.reference, e.reason, e.actor,
                e.recorded_at, e.paid_kopecks, e.vat_kopecks, e.vat_rate, k.code as campaign
            from wallet_entry e left join campaign k on k.id = e.campaign_id where \(filter)
            """, values
        ).map { row in
            guard let kind = WalletKind(rawValue: try row.string("kind")) else {
                throw PostgresError(.decoding, "the kind of wallet entry \(try row.string("code")) is not known")
            }
            return WalletEntry(
                id: try row.int64("id"), code: try row.string("code"), advertiserID: try row.int32("advertiser_id"),
                kind: kind, amount: Micros(try row.int64("amount_micros")), reference: try row.string("reference"),
                reason: try row.string("reason"), actor: try row.string("actor"),
                recordedAt: Timestamp(micros: try row.micros("recorded_at")),
                paid: try row.int64IfPresent("paid_kopecks").map(KopeckAmount.init),
                vat: try row.int64IfPresent("vat_kopecks").map(KopeckAmount.init),
                rate: try row.stringIfPresent("vat_rate").flatMap(VATRate.init),
                campaign: try row.stringIfPresent("campaign"))
        }
    }
}
