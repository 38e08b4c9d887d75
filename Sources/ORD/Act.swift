import AdModel

/// An act (the operator's `invoice`) of one contract and month.
public struct Act: Hashable, Codable, Sendable {
    /// What an initial contract takes of the act.
    public struct Item: Hashable, Codable, Sendable {
        /// Exactly one of the two.
        public var contractID: String?
        public var cid: String?
        public var amount: TaxedAmount<KopeckAmount>
        public var flags: [String]
        public var creativeIDs: [String]

        public init(
            contractID: String?, cid: String? = nil, amount: TaxedAmount<KopeckAmount>, flags: [String] = [],
            creativeIDs: [String]
        ) {
            self.contractID = contractID
            self.cid = cid
            self.amount = amount
            self.flags = flags
            self.creativeIDs = creativeIDs
        }
    }

    /// An agent's commission, for mediation contracts only.
    public struct Commission: Hashable, Codable, Sendable {
        public var amount: TaxedAmount<KopeckAmount>
        public var serial: String?
        public var date: Day?

        public init(amount: TaxedAmount<KopeckAmount>, serial: String? = nil, date: Day? = nil) {
            self.amount = amount
            self.serial = serial
            self.date = date
        }
    }

    /// External id, `act-<contract code>-<YYYY-MM>`; never changes for its contract and month.
    public var id: String
    public var contractID: String
    /// Given at freeze; nil before.
    public var serial: String?
    public var date: Day
    public var dateStart: Day
    public var dateEnd: Day
    /// `advertiser, agency, ors, publisher, mediator`.
    public var clientRole: String
    public var contractorRole: String
    public var flags: [String]
    public var services: TaxedAmount<KopeckAmount>
    public var commission: Commission?
    public var items: [Item]

    public init(
        id: String, contractID: String, serial: String? = nil, date: Day, dateStart: Day, dateEnd: Day,
        clientRole: String, contractorRole: String, flags: [String] = [], services: TaxedAmount<KopeckAmount>,
        commission: Commission? = nil, items: [Item]
    ) {
        self.id = id
        self.contractID = contractID
        self.serial = serial
        self.date = date
        self.dateStart = dateStart
        self.dateEnd = dateEnd
        self.clientRole = clientRole
        self.contractorRole = contractorRole
        self.flags = flags
        self.services = services
        self.commission = commission
        self.items = items
    }

    public static let roles = ["advertiser", "agency", "ors", "publisher", "mediator"]

    /// Everything that the operator would refuse.
    public func findings(
        contracts: [String: Contract], creatives: [String: Creative], today: Day
    ) -> [Finding] {
        var c = Checker("act \(id)")
        ExternalID.check(id, "id", &c)
        if let serial { Serial.check(serial, "serial", &c) }
        checkDates(&c, today)
        AmountRules.check(services, "amount.services", on: date, &c)
        for (index, flag) in flags.enumerated() { c.choice("flags[\(index)]", flag, ["social", "social_quota"]) }
        if flags.count > 1 { c.fail("flags", "flags_exclude", "social and social_quota exclude each other") }
        guard let contract = contracts[contractID] else {
            c.fail("contract_external_id", "not_found", "there is no contract \(contractID)")
            return c.findings
        }
        let parent = contract.parentID.flatMap { contracts[$0] }
        checkRoles(&c, contract, parent)
        checkCommission(&c, contract, parent)
        if services.excludingVAT == .zero, contract.amount != .zero {
            c.fail("amount.services.excluding_vat", "amount_zero", "only a contract with the amount 0 has acts of 0")
        }
        checkItems(&c, contracts, creatives)
        return c.findings
    }

    private func checkDates(_ c: inout Checker, _ today: Day) {
        if dateStart > dateEnd { c.fail("date_start", "date_order", "must not be after date_end") }
        for (field, day) in [("date", date), ("date_start", dateStart), ("date_end", dateEnd)] where day > today {
            c.fail(field, "date_in_future", "\(day) is after today (\(today) UTC): export from that day on")
        }
    }

    private func checkRoles(_ c: inout Checker, _ contract: Contract, _ parent: Contract?) {
        c.choice("client_role", clientRole, Self.roles)
        c.choice("contractor_role", contractorRole, Self.roles)
        if contractorRole == "advertiser" {
            c.fail("contractor_role", "role", "the contractor is never the advertiser")
        }
        // Additional agreements follow their parent.
        let main = contract.type == "additional" ? (parent ?? contract) : contract
        if main.flags.contains("agent_acting_for_publisher") {
            if contractorRole == "publisher" {
                c.fail("contractor_role", "role", "an agent acting for the publisher is not the publisher")
            }
            if main.type == "mediation", clientRole == "advertiser" {
                c.fail("client_role", "role", "the client of an agent acting for the publisher is not the advertiser")
            }
        } else if clientRole == "publisher" {
            c.fail("client_role", "role", "only an agent acting for the publisher has the publisher for a client")
        }
    }

    private func checkCommission(_ c: inout Checker, _ contract: Contract, _ parent: Contract?) {
        guard contract.isMediation(parent) else {
            if commission != nil {
                c.fail("amount.commission", "forbidden", "only a mediation contract has a commission: remove it")
            }
            return
        }
        guard let commission else {
            c.fail("amount.commission", "required", "a mediation contract needs the agent's commission")
            return
        }
        AmountRules.check(commission.amount, "amount.commission", on: commission.date ?? date, &c)
        if let serial = commission.serial {
            Serial.check(serial, "amount.commission.serial", &c)
            if commission.date == nil {
                c.fail("amount.commission.date", "required", "a commission with a serial needs its date")
            }
        }
    }

    private func checkItems(_ c: inout Checker, _ contracts: [String: Contract], _ creatives: [String: Creative]) {
        var owners: Set<String> = []
        var seen: Set<String> = []
        for (index, item) in items.enumerated() {
            let field = "items[\(index)]"
            if (item.contractID == nil) == (item.cid == nil) {
                c.fail("\(field).contract_external_id", "one_owner", "give exactly one of contract_external_id and cid")
            }
            if let owner = item.contractID ?? item.cid, !owners.insert(owner).inserted {
                c.fail("\(field).contract_external_id", "not_unique", "each contract stands in one item")
            }
            if clientRole == "advertiser" {
                let own =
                    item.contractID == contractID || item.contractID.flatMap { contracts[$0]?.parentID } == contractID
                if !own {
                    c.fail(
                        "\(field).contract_external_id", "foreign_contract",
                        "with the advertiser as client, an item names the act's own contract")
                }
            }
            AmountRules.check(item.amount, "\(field).amount", on: date, &c)
            for (position, id) in item.creativeIDs.enumerated() {
                let place = "\(field).creatives[\(position)].creative_external_id"
                if !seen.insert(id).inserted { c.fail(place, "not_unique", "each creative stands once in an act") }
                guard let creative = creatives[id] else {
                    c.fail(place, "not_found", "there is no creative \(id)")
                    continue
                }
                let owned = item.contractID.map { creative.contractIDs.contains($0) } ?? false
                if !owned, !(item.cid.map { creative.cids.contains($0) } ?? false) {
                    c.fail(place, "other_contract", "the creative \(id) belongs to another contract")
                }
            }
        }
        let sum = items.reduce(KopeckAmount.zero) { $0 + $1.amount.excludingVAT }
        if sum > services.excludingVAT + KopeckAmount(kopecks: Int64(items.count)) {
            c.fail("items", "items_exceed_act", "the items add up to \(sum), the act is \(services.excludingVAT)")
        }
    }
}

/// Rules for amounts with VAT (ord.md section 2.7).
enum AmountRules {
    static func check(_ amount: TaxedAmount<KopeckAmount>, _ field: String, on date: Day, _ c: inout Checker) {
        checkRate(amount.rate, field, on: date, &c)
        let limit = KopeckAmount(kopecks: 999_999_999_999)
        if !(KopeckAmount.zero...limit).contains(amount.excludingVAT) {
            c.fail("\(field).excluding_vat", "amount_range", "must be 0.00 to \(limit)")
        } else {
            let bounds = VAT.bounds(of: amount.excludingVAT, at: amount.rate)
            if !bounds.contains(amount.vat) {
                c.fail("\(field).vat", "vat_bounds", "must be \(bounds.lowerBound) to \(bounds.upperBound)")
            }
        }
        if amount.includingVAT != amount.excludingVAT + amount.vat {
            c.fail("\(field).including_vat", "vat_sum", "must be the exact sum of excluding_vat and vat")
        }
    }

    static func check(_ amount: TaxedAmount<Decimal5>, _ field: String, on date: Day, _ c: inout Checker) {
        checkRate(amount.rate, field, on: date, &c)
        let limit = Decimal5(units: 999_999_999_999_999)
        if !(Decimal5.zero...limit).contains(amount.excludingVAT) {
            c.fail("\(field).excluding_vat", "amount_range", "must be 0.00000 to \(limit)")
        } else {
            let bounds = VAT.bounds(of: amount.excludingVAT, at: amount.rate)
            if !bounds.contains(amount.vat) {
                c.fail("\(field).vat", "vat_bounds", "must be \(bounds.lowerBound) to \(bounds.upperBound)")
            }
        }
        if amount.includingVAT != amount.excludingVAT + amount.vat {
            c.fail("\(field).including_vat", "vat_sum", "must be the exact sum of excluding_vat and vat")
        }
    }

    private static func checkRate(_ rate: VATRate, _ field: String, on date: Day, _ c: inout Checker) {
        guard !rate.isAllowed(on: date) else { return }
        c.fail("\(field).vat_rate", "vat_rate_date", "use 22 from 2026-01-01 and 20 before: the act is dated \(date)")
    }
}
