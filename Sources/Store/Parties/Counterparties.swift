import ORD
import Postgres

/// Counterparties in the database. Reads show what the session's tenant may see; only the retailer writes.
public enum Counterparties {
    private static let columns = """
        id, code, kind, name, inn, kpp, phone, foreign_inn, foreign_registration_number, foreign_epayment_method,
        foreign_oksm_country_code, roles, rs_url, revision, address, bank_name, bank_bik, bank_account,
        bank_correspondent_account, signatory_post, signatory_name
        """

    /// The party of a public id; nil when there is none that the session sees.
    public static func find(_ code: String, on db: isolated PostgresConnection) throws -> Counterparty? {
        try db.query("select \(columns) from counterparty where code = $1", [.text(code)]).first.map(read)
    }

    /// Parties in the order of their ids, after `after`. `query`: part of the name, or the beginning of INN or code.
    public static func list(
        kind: String? = nil, query: String? = nil, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [Counterparty] {
        try db.query(
            """
            select \(columns) from counterparty
            where id > $1 and ($2::text is null or kind = $2)
              and ($3::text is null or position(lower($3) in lower(name)) > 0 or starts_with(inn, $3)
                or starts_with(code, $3))
            order by id limit $4
            """, [.int8(after), .text(orNull: kind), .text(orNull: query), .int8(limit)]
        ).map(read)
    }

    /// Stores a new party. Throws `invalid_fields` with everything that the operator would refuse, and where the id or
    /// the pair of INN and KPP is taken.
    public static func create(_ draft: Counterparty, on db: isolated PostgresConnection) throws -> Counterparty {
        var problems = FieldProblems()
        draft.check(&problems)
        if try find(draft.code, on: db) != nil {
            problems.add("id", "not_unique", "There is already a counterparty of this id.")
        }
        try checkUnique(draft, &problems, on: db)
        try problems.throwIfAny()
        let row = try db.query(
            """
            insert into counterparty (code, kind, name, inn, kpp, phone, foreign_inn, foreign_registration_number,
                foreign_epayment_method, foreign_oksm_country_code, roles, rs_url, address, bank_name, bank_bik, bank_account,
                bank_correspondent_account, signatory_post, signatory_name)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) returning \(columns)
            """, values(draft)
        ).single()
        return try read(row)
    }

    /// Changes a party. What identifies it stays as it is once anything was charged under one of its contracts or
    /// registered with the operator for it. Throws `precondition_failed` when `old` is not the stored revision.
    public static func update(
        _ draft: Counterparty, was old: Counterparty, on db: isolated PostgresConnection
    ) throws -> Counterparty {
        var problems = FieldProblems()
        draft.check(&problems)
        try checkUnique(draft, &problems, on: db)
        let changed = zip(old.identity, draft.identity).filter { $0.value != $1.value }.map { $0.0.field }
        if !changed.isEmpty, try isReported(old.id, on: db) {
            for field in changed {
                problems.add(
                    field, "locked", "Charges or creatives are registered under it; make another counterparty.")
            }
        }
        try checkContracts(draft, &problems, on: db)
        try problems.throwIfAny()
        guard
            let row = try db.query(
                """
                update counterparty set kind = $2, name = $3, inn = $4, kpp = $5, phone = $6, foreign_inn = $7,
                    foreign_registration_number = $8, foreign_epayment_method = $9, foreign_oksm_country_code = $10,
                    roles = $11, rs_url = $12, address = $13, bank_name = $14, bank_bik = $15, bank_account = $16,
                    bank_correspondent_account = $17, signatory_post = $18, signatory_name = $19, revision = revision + 1
                where code = $1 and revision = $20 returning \(columns)
                """, values(draft) + [.int8(old.revision)]
            ).first
        else { throw Refusal.changedMeanwhile }
        return try read(row)
    }

    /// Removes a party that nothing refers to.
    public static func delete(_ old: Counterparty, on db: isolated PostgresConnection) throws {
        let used = try db.query(
            """
            select exists (select 1 from contract where $1 in (client_counterparty_id, contractor_counterparty_id))
                or exists (select 1 from advertiser where counterparty_id = $1)
                or exists (select 1 from retailer where counterparty_id = $1)
                or exists (select 1 from agency_cid where agency_counterparty_id = $1)
                or exists (select 1 from act_serial where seller_counterparty_id = $1)
                or exists (select 1 from top_up_invoice where seller_counterparty_id = $1) as used
            """, [.int4(old.id)]
        ).single().bool("used")
        if used { throw Refusal(.conflict, "A contract, an advertiser or the retailer refers to it.") }
        let gone = try db.query(
            "delete from counterparty where id = $1 and revision = $2", [.int4(old.id), .int8(old.revision)])
        if gone.affected == 0 { throw Refusal.changedMeanwhile }
    }

    // MARK: Checks

    private static func checkUnique(
        _ draft: Counterparty, _ problems: inout FieldProblems, on db: isolated PostgresConnection
    ) throws {
        guard let inn = draft.inn else { return }
        let other = try db.query(
            "select code from counterparty where inn = $1 and coalesce(kpp, '') = coalesce($2, '') and code <> $3",
            [.text(inn), .text(orNull: draft.kpp), .text(draft.code)]
        ).first
        if let other {
            problems.add("inn", "not_unique", "Counterparty \(try other.string("code")) has this INN and KPP.")
        }
    }

    /// The parties of each contract stay two different persons.
    private static func checkContracts(
        _ draft: Counterparty, _ problems: inout FieldProblems, on db: isolated PostgresConnection
    ) throws {
        let clash = try db.query(
            """
            select c.code from contract c
            join counterparty o on o.id = case when c.client_counterparty_id = $1 then c.contractor_counterparty_id
                else c.client_counterparty_id end
            where $1 in (c.client_counterparty_id, c.contractor_counterparty_id)
              and c.client_counterparty_id <> c.contractor_counterparty_id
              and (o.inn = $2 or o.foreign_inn = $3) order by c.id limit 1
            """, [.int4(draft.id), .text(orNull: draft.inn), .text(orNull: draft.foreignINN)]
        ).first
        if let clash {
            problems.add(
                draft.inn == nil ? "foreign_inn" : "inn", "same_inn",
                "The parties of contract \(try clash.string("code")) must have different tax numbers.")
        }
    }

    private static func isReported(_ id: Int32, on db: isolated PostgresConnection) throws -> Bool {
        try db.query(
            """
            select exists (
                select 1 from campaign c join contract k on k.id = c.contract_id
                where $1 in (k.client_counterparty_id, k.contractor_counterparty_id)
                  and (exists (select 1 from charge h where h.campaign_id = c.id)
                    or exists (select 1 from line_item l join creative r on r.line_item_id = l.id
                        join creative_version v on v.creative_id = r.id and v.erid is not null
                        where l.campaign_id = c.id))) as reported
            """, [.int4(id)]
        ).single().bool("reported")
    }

    // MARK: Rows

    private static func values(_ draft: Counterparty) -> [PostgresValue] {
        [
            .text(draft.code), .text(draft.kind), .text(draft.name), .text(orNull: draft.inn),
            .text(orNull: draft.kpp), .text(orNull: draft.phone), .text(orNull: draft.foreignINN),
            .text(orNull: draft.foreignRegistrationNumber), .text(orNull: draft.foreignPaymentMethod),
            .text(orNull: draft.foreignCountryCode), .textArray(draft.roles), .text(orNull: draft.rsURL),
            .text(orNull: draft.details.address), .text(orNull: draft.details.bank?.name),
            .text(orNull: draft.details.bank?.bik), .text(orNull: draft.details.bank?.account),
            .text(orNull: draft.details.bank?.correspondentAccount), .text(orNull: draft.details.signatoryPost),
            .text(orNull: draft.details.signatoryName),
        ]
    }

    private static func read(_ row: PostgresRow) throws -> Counterparty {
        var party = Counterparty(
            code: try row.string("code"), kind: try row.string("kind"), name: try row.string("name"),
            roles: try row.stringArray("roles"))
        party.id = try row.int32("id")
        party.inn = try row.stringIfPresent("inn")
        party.kpp = try row.stringIfPresent("kpp")
        party.phone = try row.stringIfPresent("phone")
        party.foreignINN = try row.stringIfPresent("foreign_inn")
        party.foreignRegistrationNumber = try row.stringIfPresent("foreign_registration_number")
        party.foreignPaymentMethod = try row.stringIfPresent("foreign_epayment_method")
        party.foreignCountryCode = try row.stringIfPresent("foreign_oksm_country_code")
        party.rsURL = try row.stringIfPresent("rs_url")
        party.details = try details(row)
        party.revision = try row.int64("revision")
        return party
    }
}

extension Counterparties {
    /// Address, bank and signatory out of a row of `counterparty`.
    static func details(_ row: PostgresRow) throws -> PartyDetails {
        var details = PartyDetails(
            address: try row.stringIfPresent("address"), signatoryPost: try row.stringIfPresent("signatory_post"),
            signatoryName: try row.stringIfPresent("signatory_name"))
        if let name = try row.stringIfPresent("bank_name"), let bik = try row.stringIfPresent("bank_bik"),
            let account = try row.stringIfPresent("bank_account")
        {
            details.bank = PartyDetails.Bank(
                name: name, bik: bik, account: account,
                correspondentAccount: try row.stringIfPresent("bank_correspondent_account"))
        }
        return details
    }
}

extension Refusal {
    /// The stored revision is not the one that the change was made from.
    static let changedMeanwhile = Refusal(.preconditionFailed, "Somebody else changed it meanwhile; read it again.")
}
