import AdModel
import ORD
import Postgres

/// Numbers of acts: `<prefix>-<YYYY>/<NNNN>`, per seller and year from 1 without gaps, never used for another act (R16).
public enum ActSerials {
    /// Serial of the act of a contract and month; given once, kept for good. The caller holds the ledgers' lock.
    static func serial(
        contract: Int32, month: AccountingMonth, actDate: Day, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> String {
        if let row = try db.query(
            "select serial from act_serial where month = $1 and contract_id = $2",
            [.date(days: month.first.number), .int4(contract)]
        ).first {
            return try row.string("serial")
        }
        let seller = try db.query(
            """
            select p.id, p.act_prefix from contract c join counterparty p on p.id = c.contractor_counterparty_id
            where c.id = $1
            """, [.int4(contract)]
        ).single()
        let sellerID = try seller.int32("id")
        let year = actDate.civil.year
        let number = try db.query(
            "select coalesce(max(number), 0) + 1 as n from act_serial where seller_counterparty_id = $1 and year = $2",
            [.int4(sellerID), .int4(Int32(year))]
        ).single().int32("n")
        let digits = String(number)
        let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        let serial = "\(try seller.string("act_prefix"))-\(year)/\(padded)"
        try db.query(
            """
            insert into act_serial (month, contract_id, seller_counterparty_id, year, number, serial, serial_folded,
                given_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            [
                .date(days: month.first.number), .int4(contract), .int4(sellerID), .int4(Int32(year)), .int4(number),
                .text(serial), .text(Serial.folded(serial)), .timestamptz(micros: now.micros),
            ])
        return serial
    }

    /// Sets what stands before the year in the serials of a seller's later acts.
    /// - Throws: `Refusal` unless it is 1 to 16 letters and digits that no other prefix of the seller's serials reads
    ///   like.
    public static func setPrefix(
        _ prefix: String, seller code: String, on db: isolated PostgresConnection
    ) throws {
        let allowed = prefix.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || (0x30...0x39).contains($0.value)
        }
        guard allowed, (1...16).contains(prefix.unicodeScalars.count) else {
            throw Refusal.field("prefix", "invalid", "Use 1 to 16 letters and digits.")
        }
        try CheckpointStore.lockLedgers(on: db)
        for row in try db.query(
            """
            select distinct split_part(s.serial, '-', 1) as used from act_serial s
            join counterparty p on p.id = s.seller_counterparty_id where p.code = $1
            """, [.text(code)])
        {
            let used = try row.string("used")
            guard used == prefix || Serial.folded(used) != Serial.folded(prefix) else {
                throw Refusal.field("prefix", "serial_duplicate", "Reads like \(used), which was used before.")
            }
        }
        guard
            try db.query(
                "update counterparty set act_prefix = $2, revision = revision + 1 where code = $1",
                [.text(code), .text(prefix)]
            ).affected == 1
        else { throw Refusal.unknownReference("seller", code) }
    }
}
