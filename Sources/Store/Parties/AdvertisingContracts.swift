import AdModel
import ORD
import Postgres

/// Contracts in the database. Reads show what the session's tenant may see; only the retailer writes.
public enum AdvertisingContracts {
    private static let columns = """
        c.id, c.code, c.advertiser_id, a.code as advertiser, client.code as client, contractor.code as contractor,
        c.serial, c.signed_on, c.ends_on, c.subject_type, c.amount_kopecks, c.flags, c.vat_rate, c.revision, c.kind,
        c.action_type, parent.code as parent,
        exists (select 1 from campaign k join line_item l on l.campaign_id = k.id
            join line_item_spend s on s.line_item_id = l.id where k.contract_id = c.id)
            or exists (select 1 from act_serial a where a.contract_id = c.id) as reported
        """
    private static let source = """
        contract c join advertiser a on a.id = c.advertiser_id
        join counterparty client on client.id = c.client_counterparty_id
        join counterparty contractor on contractor.id = c.contractor_counterparty_id
        left join contract parent on parent.id = c.parent_id
        """

    /// The contract of a public id; nil when there is none that the session sees.
    public static func find(_ code: String, on db: isolated PostgresConnection) throws -> AdvertisingContract? {
        try db.query("select \(columns) from \(source) where c.code = $1", [.text(code)]).first.map(read)
    }

    /// Contracts in the order of their ids, after `after`. `query`: part of the serial or the beginning of the code.
    public static func list(
        advertiser: String? = nil, inForceOn day: Day? = nil, query: String? = nil, after: Int64, limit: Int64,
        on db: isolated PostgresConnection
    ) throws -> [AdvertisingContract] {
        try db.query(
            """
            select \(columns) from \(source)
            where c.id > $1 and ($2::text is null or a.code = $2)
              and ($3::date is null or (c.signed_on <= $3 and coalesce(c.ends_on, 'infinity') >= $3))
              and ($4::text is null or position(lower($4) in lower(coalesce(c.serial, ''))) > 0
                or starts_with(c.code, $4))
            order by c.id limit $5
            """,
            [
                .int8(after), .text(orNull: advertiser), .date(orNull: day?.number), .text(orNull: query), .int8(limit),
            ]
        ).map(read)
    }

    /// Stores a new contract. `today` is the day in UTC, as the operator counts.
    /// Throws `invalid_fields` with everything that the operator would refuse.
    public static func create(
        _ draft: AdvertisingContract, today: Day, on db: isolated PostgresConnection
    ) throws -> AdvertisingContract {
        var problems = FieldProblems()
        let parties = try check(draft, today: today, &problems, on: db)
        if try !db.query("select 1 as one from contract where code = $1", [.text(draft.code)]).isEmpty {
            problems.add("id", "not_unique", "There is already a contract of this id.")
        }
        let advertiser = try db.query("select id from advertiser where code = $1", [.text(draft.advertiser)]).first
        if advertiser == nil { problems.unknown("advertiser", draft.advertiser) }
        try problems.throwIfAny()
        guard let advertiser else { throw Refusal.unknownReference("advertiser", draft.advertiser) }
        try db.query(
            """
            insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, serial,
                serial_folded, signed_on, ends_on, subject_type, amount_kopecks, flags, vat_rate, kind, action_type,
                parent_id)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
                (select id from contract where code = $15))
            """,
            [.text(draft.code), .int4(try advertiser.int32("id")), .int4(parties.client), .int4(parties.contractor)]
                + values(draft))
        return try stored(draft.code, on: db)
    }

    /// Changes a contract. Once money was charged under it, only its end (not before the last charge), its amount and
    /// its flags may change: the rest stands in acts and with the operator.
    public static func update(
        _ draft: AdvertisingContract, was old: AdvertisingContract, today: Day, on db: isolated PostgresConnection
    ) throws -> AdvertisingContract {
        var problems = FieldProblems()
        let parties = try check(draft, today: today, &problems, on: db)
        let last = try lastCharge(old.id, on: db)
        if old.isReported || last != nil {
            for (before, after) in zip(old.reported, draft.reported) where before.value != after.value {
                problems.add(
                    before.field, "locked",
                    "Money was charged or an act was made under this contract; make another one.")
            }
        }
        try checkAgreements(draft, was: old, &problems, on: db)
        if let last, let end = draft.endsOn, end < last {
            problems.add("ends_on", "locked", "Money was charged on \(last): the contract cannot end before.")
        }
        try problems.throwIfAny()
        let changed = try db.query(
            """
            update contract set client_counterparty_id = $2, contractor_counterparty_id = $3, serial = $4,
                serial_folded = $5, signed_on = $6, ends_on = $7, subject_type = $8, amount_kopecks = $9, flags = $10,
                vat_rate = $11, kind = $12, action_type = $13, parent_id = (select id from contract where code = $14),
                revision = revision + 1
            where id = $1 and revision = $15
            """,
            [.int4(old.id), .int4(parties.client), .int4(parties.contractor)] + values(draft) + [.int8(old.revision)])
        if changed.affected == 0 { throw Refusal.changedMeanwhile }
        return try stored(old.code, on: db)
    }

    /// Removes a contract under which there is no campaign.
    public static func delete(_ old: AdvertisingContract, on db: isolated PostgresConnection) throws {
        if try !db.query("select 1 as one from campaign where contract_id = $1 limit 1", [.int4(old.id)]).isEmpty {
            throw Refusal(.conflict, "Campaigns run under this contract; let it end instead.")
        }
        let used = try db.query(
            """
            select exists (select 1 from contract where parent_id = $1)
                or exists (select 1 from contract_cid where contract_id = $1)
                or exists (select 1 from month_commission where contract_id = $1)
                or exists (select 1 from month_act_date where contract_id = $1)
                or exists (select 1 from act_serial where contract_id = $1)
                or exists (select 1 from month_act where contract_id = $1)
                or exists (select 1 from wallet_entry where contract_id = $1)
                or exists (select 1 from top_up_invoice where contract_id = $1) as used
            """, [.int4(old.id)]
        ).single().bool("used")
        if used {
            throw Refusal(
                .conflict, "Agreements, invoices, payments or acts refer to this contract; let it end instead.")
        }
        let gone = try db.query(
            "delete from contract where id = $1 and revision = $2", [.int4(old.id), .int8(old.revision)])
        if gone.affected == 0 { throw Refusal.changedMeanwhile }
    }

    /// The last accounting day on which something was charged under a contract; nil while nothing was.
    public static func lastCharge(_ contract: Int32, on db: isolated PostgresConnection) throws -> Day? {
        try db.query(
            """
            select max(h.accounting_day) as last from charge h join campaign c on c.id = h.campaign_id
            where c.contract_id = $1 and h.amount_micros <> 0
            """, [.int4(contract)]
        ).single().daysIfPresent("last").map(Day.init(number:))
    }

    // MARK: Checks

    private static func check(
        _ draft: AdvertisingContract, today: Day, _ problems: inout FieldProblems, on db: isolated PostgresConnection
    ) throws -> (client: Int32, contractor: Int32) {
        // Two contracts stored at once would not see each other's serial.
        try db.query("select pg_advisory_xact_lock(hashtext('nimb contract serial'))")
        let client = try Counterparties.find(draft.client, on: db)
        let contractor = try Counterparties.find(draft.contractor, on: db)
        if client == nil { problems.unknown("client", draft.client) }
        if contractor == nil { problems.unknown("contractor", draft.contractor) }
        var persons: [String: Person] = [:]
        for party in [client, contractor].compactMap(\.self) { persons[ExternalIDs.person(party.code)] = party.person }
        let parents = try parent(of: draft, &problems, on: db)
        let isOwn = try isSelfPromotion(draft, on: db)
        for finding in draft.operatorContract.findings(persons: persons, contracts: parents, today: today)
        where finding.severity == .error && finding.code != "not_found" {
            // A contract of the retailer with himself marks self-promotion and is told to nobody.
            if isOwn, finding.code == "same_party" { continue }
            problems.add(AdvertisingContract.field(of: finding.field), finding.code, finding.message)
        }
        if isOwn, draft.kind != "service" {
            problems.add("kind", "not_allowed", "Self-promotion is marked by a service contract.")
        }
        if draft.vatRate == VATRate.twenty.rawValue, let vat = VATRate(rawValue: draft.vatRate),
            !vat.isAllowed(on: today)
        {
            problems.add("vat_rate", "rate_expired", "22 replaced 20 for acts of 2026 and later.")
        }
        guard let client, let contractor else { return (0, 0) }
        try checkSerial(draft, client: client.id, contractor: contractor.id, &problems, on: db)
        return (client.id, contractor.id)
    }

    /// The contract that an additional agreement adds to, as the operator knows it.
    private static func parent(
        of draft: AdvertisingContract, _ problems: inout FieldProblems, on db: isolated PostgresConnection
    ) throws -> [String: Contract] {
        guard let code = draft.parent else { return [:] }
        guard let parent = try find(code, on: db), parent.code != draft.code else {
            problems.unknown("parent", code)
            return [:]
        }
        if parent.advertiser != draft.advertiser {
            problems.add("parent", "other_advertiser", "The main contract is another advertiser's.")
        }
        if draft.signedOn < parent.signedOn {
            problems.add("signed_on", "date_order", "The main contract is signed on \(parent.signedOn) only.")
        }
        return [ExternalIDs.contract(code): parent.operatorContract]
    }

    /// Whether client, contractor and advertiser are all the retailer himself.
    private static func isSelfPromotion(
        _ draft: AdvertisingContract, on db: isolated PostgresConnection
    ) throws -> Bool {
        guard draft.isSelfPromotion else { return false }
        return try !db.query(
            """
            select 1 as one from retailer r join counterparty p on p.id = r.counterparty_id
            join advertiser a on a.counterparty_id = p.id where p.code = $1 and a.code = $2
            """, [.text(draft.client), .text(draft.advertiser)]
        ).isEmpty
    }

    /// Additional agreements keep the parties of their main contract, and never become main contracts' children.
    private static func checkAgreements(
        _ draft: AdvertisingContract, was old: AdvertisingContract, _ problems: inout FieldProblems,
        on db: isolated PostgresConnection
    ) throws {
        let fields = [
            ("kind", old.kind != draft.kind), ("client", old.client != draft.client),
            ("contractor", old.contractor != draft.contractor),
        ].filter(\.1)
        guard !fields.isEmpty,
            let child = try db.query("select code from contract where parent_id = $1 limit 1", [.int4(old.id)]).first
        else { return }
        for (field, _) in fields {
            problems.add(field, "locked", "Agreement \(try child.string("code")) adds to this contract.")
        }
    }

    private static func checkSerial(
        _ draft: AdvertisingContract, client: Int32, contractor: Int32, _ problems: inout FieldProblems,
        on db: isolated PostgresConnection
    ) throws {
        guard let serial = draft.serial else { return }
        let folded = Serial.folded(serial)
        let others = try db.query(
            """
            select code, serial, client_counterparty_id as client from contract
            where contractor_counterparty_id = $1 and serial is not null and code <> $2
              and (serial_folded is null or serial_folded = $3) order by id
            """, [.int4(contractor), .text(draft.code), .text(folded)])
        for row in others {
            let other = try row.string("serial")
            // The same number with another client is another contract; a look-alike number never is meant.
            guard Serial.folded(other) == folded, try row.int32("client") == client || other != serial else { continue }
            problems.add(
                "serial", "serial_duplicate",
                "Reads like the serial of contract \(try row.string("code")) (case, punctuation and Latin or Cyrillic "
                    + "letters aside): keep one contract, or give it another number.")
            return
        }
    }

    // MARK: Rows

    private static func values(_ draft: AdvertisingContract) -> [PostgresValue] {
        [
            .text(orNull: draft.serial), .text(orNull: draft.serial.map(Serial.folded)),
            .date(days: draft.signedOn.number), .date(orNull: draft.endsOn?.number), .text(draft.subjectType),
            .int8(orNull: draft.amountKopecks), .textArray(draft.flags), .text(draft.vatRate), .text(draft.kind),
            .text(orNull: draft.actionType), .text(orNull: draft.parent),
        ]
    }

    private static func stored(_ code: String, on db: isolated PostgresConnection) throws -> AdvertisingContract {
        guard let contract = try find(code, on: db) else { throw Refusal.notFound }
        return contract
    }

    private static func read(_ row: PostgresRow) throws -> AdvertisingContract {
        var contract = AdvertisingContract(
            code: try row.string("code"), advertiser: try row.string("advertiser"), client: try row.string("client"),
            contractor: try row.string("contractor"), signedOn: Day(number: try row.days("signed_on")))
        contract.id = try row.int32("id")
        contract.advertiserID = try row.int32("advertiser_id")
        contract.serial = try row.stringIfPresent("serial")
        contract.endsOn = try row.daysIfPresent("ends_on").map(Day.init(number:))
        contract.subjectType = try row.string("subject_type")
        contract.amountKopecks = try row.int64IfPresent("amount_kopecks")
        contract.flags = try row.stringArray("flags")
        contract.vatRate = try row.string("vat_rate")
        contract.kind = try row.string("kind")
        contract.actionType = try row.stringIfPresent("action_type")
        contract.parent = try row.stringIfPresent("parent")
        contract.isReported = try row.bool("reported")
        contract.revision = try row.int64("revision")
        return contract
    }
}
