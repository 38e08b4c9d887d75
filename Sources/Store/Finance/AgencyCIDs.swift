import AdModel
import ORD
import Postgres

/// Contracts of advertisers with their agencies (R26), by the identifier that the register gave them.
public enum AgencyCIDs {
    /// One of them, with whose it is.
    public struct Entry: Equatable, Sendable {
        public var id: Int64
        public var cid: CID
        /// Code of the advertiser.
        public var advertiser: String
        /// Code of the agency's counterparty.
        public var agency: String
        /// Codes of our contracts with the agency that use it, in byte order.
        public var contracts: [String]
        public var revision: Int64
    }

    /// Enters or corrects one, and says for which of our contracts with the agency it stands.
    /// - Parameter contracts: codes; their client is the agency, their campaigns are the advertiser's.
    /// - Throws: `Refusal` with everything that the register would refuse.
    public static func set(
        _ cid: CID, advertiser: String, agency: String, contracts: [String], by actor: MonthActor,
        on db: isolated PostgresConnection
    ) throws {
        var problems = FieldProblems()
        for finding in cid.findings() where finding.code != "cid_bad" {
            problems.add(finding.field, finding.code, finding.message)
        }
        let owner = try db.query("select id from advertiser where code = $1", [.text(advertiser)]).first?.int32("id")
        if owner == nil { problems.unknown("advertiser", advertiser) }
        let party = try db.query(
            "select id, 'agency' = any (roles) as agency from counterparty where code = $1", [.text(agency)]
        ).first
        if party == nil { problems.unknown("agency", agency) }
        if try party?.bool("agency") == false {
            problems.add("agency", "not_an_agency", "Give the counterparty the role agency first.")
        }
        let known = try db.query(
            "select c.id, c.code, c.client_counterparty_id from contract c where c.code = any($1)",
            [.textArray(contracts)])
        for code in contracts where !(try known.contains { try $0.string("code") == code }) {
            problems.unknown("contracts", code)
        }
        if let party {
            let id = try party.int32("id")
            for row in known where try row.int32("client_counterparty_id") != id {
                problems.add(
                    "contracts", "other_client", "The client of \(try row.string("code")) is not the agency.")
            }
        }
        try problems.throwIfAny()
        guard let owner, let party else { return }
        let stored = try db.query(
            """
            insert into agency_cid (cid, advertiser_id, agency_counterparty_id, name, client_inn, client_phone,
                client_foreign_inn, client_foreign_registration_number, client_foreign_epayment_method, status, actor,
                recorded_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            on conflict (cid) do update set name = excluded.name, client_inn = excluded.client_inn,
                client_phone = excluded.client_phone, client_foreign_inn = excluded.client_foreign_inn,
                client_foreign_registration_number = excluded.client_foreign_registration_number,
                client_foreign_epayment_method = excluded.client_foreign_epayment_method, status = excluded.status,
                actor = excluded.actor, recorded_at = excluded.recorded_at, revision = agency_cid.revision + 1
            where agency_cid.advertiser_id = excluded.advertiser_id
                and agency_cid.agency_counterparty_id = excluded.agency_counterparty_id
            returning id
            """,
            [
                .text(cid.id), .int4(owner), .int4(try party.int32("id")), .text(cid.name),
                .text(orNull: cid.clientINN),
                .text(orNull: cid.clientPhone), .text(orNull: cid.clientForeignINN),
                .text(orNull: cid.clientForeignRegistrationNumber),
                .text(orNull: cid.clientForeignEpaymentMethod), .text(cid.status), .text(actor.name),
                .timestamptz(micros: actor.at.micros),
            ])
        guard let id = try stored.first?.int32("id") else {
            throw Refusal.field("cid", "not_unique", "The identifier belongs to another advertiser or agency.")
        }
        try db.query(
            """
            delete from contract_cid l using contract c where l.agency_cid_id = $1 and c.id = l.contract_id
                and c.code <> all($2)
            """, [.int4(id), .textArray(contracts)])
        for row in known {
            try db.query(
                """
                insert into contract_cid (contract_id, advertiser_id, agency_cid_id) values ($1, $2, $3)
                on conflict (contract_id, advertiser_id) do update set agency_cid_id = excluded.agency_cid_id
                """, [.int4(try row.int32("id")), .int4(owner), .int4(id)])
        }
    }

    /// One of them; nil when it is not known.
    public static func find(_ cid: String, on db: isolated PostgresConnection) throws -> Entry? {
        try db.query("\(columns) where i.cid = $1", [.text(cid)]).first.map(entry)
    }

    /// All of them in the order of their ids, after `after`.
    public static func list(
        after: Int64 = 0, limit: Int64 = 1_000, on db: isolated PostgresConnection
    ) throws -> [Entry] {
        try db.query("\(columns) where i.id > $1 order by i.id limit $2", [.int8(after), .int8(limit)]).map(entry)
    }

    private static let columns = """
        select i.*, a.code as advertiser, p.code as agency, array(
            select c.code from contract_cid l join contract c on c.id = l.contract_id where l.agency_cid_id = i.id
            order by c.code collate "C")::text[] as contracts
        from agency_cid i join advertiser a on a.id = i.advertiser_id
        join counterparty p on p.id = i.agency_counterparty_id
        """

    private static func entry(_ row: PostgresRow) throws -> Entry {
        Entry(
            id: Int64(try row.int32("id")), cid: try read(row), advertiser: try row.string("advertiser"),
            agency: try row.string("agency"), contracts: try row.stringArray("contracts"),
            revision: try row.int64("revision"))
    }

    static func read(_ row: PostgresRow) throws -> CID {
        CID(
            id: try row.string("cid"), name: try row.string("name"), clientINN: try row.stringIfPresent("client_inn"),
            clientPhone: try row.stringIfPresent("client_phone"),
            clientForeignEpaymentMethod: try row.stringIfPresent("client_foreign_epayment_method"),
            clientForeignRegistrationNumber: try row.stringIfPresent("client_foreign_registration_number"),
            clientForeignINN: try row.stringIfPresent("client_foreign_inn"), status: try row.string("status"))
    }
}
