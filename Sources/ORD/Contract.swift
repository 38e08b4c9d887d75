import AdModel

/// A contract between the retailer and whoever pays him, or a parent of one.
public struct Contract: Hashable, Codable, Sendable {
    /// External id, `ctr-<code>`.
    public var id: String
    /// `service, mediation, additional`.
    public var type: String
    /// External ids of the parties.
    public var clientID: String
    public var contractorID: String
    public var date: Day
    public var dateEnd: Day?
    public var serial: String?
    /// `representation, org_distribution, mediation, distribution, other`.
    public var subjectType: String
    /// Only for mediation: `distribution, conclude, commercial, other`.
    public var actionType: String?
    /// Only for additional agreements.
    public var parentID: String?
    /// nil is not zero: a contract without payment says "0" explicitly.
    public var amount: KopeckAmount?
    public var flags: [String]
    /// Regime that the contract was made with (R18); not part of the operator's object.
    public var vatRate: VATRate
    /// Later regimes, by their first day; each in force until the next.
    public var vatHistory: [VATPeriod]

    public init(
        id: String, type: String = "service", clientID: String, contractorID: String, date: Day, dateEnd: Day? = nil,
        serial: String? = nil, subjectType: String = "distribution", actionType: String? = nil,
        parentID: String? = nil, amount: KopeckAmount? = nil, flags: [String] = [], vatRate: VATRate = .twentyTwo,
        vatHistory: [VATPeriod] = []
    ) {
        self.id = id
        self.type = type
        self.clientID = clientID
        self.contractorID = contractorID
        self.date = date
        self.dateEnd = dateEnd
        self.serial = serial
        self.subjectType = subjectType
        self.actionType = actionType
        self.parentID = parentID
        self.amount = amount
        self.flags = flags
        self.vatRate = vatRate
        self.vatHistory = vatHistory
    }

    /// Rate of an act of that date (R15): the regime in force then, the general rate as the law had it on the day.
    public func rate(on actDate: Day) -> VATRate {
        let regime = vatHistory.filter { $0.from <= actDate }.max { $0.from < $1.from }?.rate ?? vatRate
        return regime.inForce(on: actDate)
    }

    public static let types = ["service", "mediation", "additional"]
    public static let subjectTypes = ["representation", "org_distribution", "mediation", "distribution", "other"]
    public static let actionTypes = ["distribution", "conclude", "commercial", "other"]
    public static let allFlags = [
        "vat_included", "contractor_is_creatives_reporter", "agent_acting_for_publisher", "is_charge_paid_by_agent",
    ]

    /// True for mediation contracts and for additional agreements of one.
    func isMediation(_ parent: Contract?) -> Bool { type == "mediation" || parent?.type == "mediation" }

    /// Everything that the operator would refuse.
    /// - Parameters:
    ///   - persons: parties by external id.
    ///   - contracts: contracts by external id, for the parent.
    ///   - today: the day in UTC.
    public func findings(persons: [String: Person], contracts: [String: Contract], today: Day) -> [Finding] {
        var c = Checker("contract \(id)")
        ExternalID.check(id, "id", &c)
        c.choice("type", type, Self.types)
        c.choice("subject_type", subjectType, Self.subjectTypes)
        checkDates(&c, today)
        if let serial { Serial.check(serial, "serial", &c) }
        if type == "mediation" {
            if let action = c.required("action_type", actionType, "a mediation contract says what the agent does") {
                c.choice("action_type", action, Self.actionTypes)
            }
        } else {
            c.forbidden("action_type", actionType, "only a mediation contract has it: remove it")
        }
        let parent = checkParent(&c, contracts)
        checkParties(&c, persons)
        checkAmount(&c, parent)
        checkFlags(&c, persons)
        return c.findings
    }

    private func checkDates(_ c: inout Checker, _ today: Day) {
        if let first = Day(year: 1991, month: 1, day: 1), date < first {
            c.fail("date", "date_range", "must not be before 1991-01-01")
        }
        if date > today { c.fail("date", "date_in_future", "a contract is registered from its date on: wait") }
        if let dateEnd, dateEnd < date { c.fail("date_end", "date_order", "must not be before the date") }
    }

    private func checkParent(_ c: inout Checker, _ contracts: [String: Contract]) -> Contract? {
        let field = "parent_contract_external_id"
        guard type == "additional" else {
            c.forbidden(field, parentID, "only an additional agreement has a parent: remove it")
            return nil
        }
        guard let parentID = c.required(field, parentID, "name the contract that is being added to") else { return nil }
        guard let parent = contracts[parentID] else {
            c.fail(field, "not_found", "there is no contract \(parentID)")
            return nil
        }
        if parent.type == "additional" {
            c.fail(field, "parent_type", "an additional agreement cannot add to another one: name the main contract")
        }
        if Set([parent.clientID, parent.contractorID]) != Set([clientID, contractorID]) {
            c.fail(field, "parent_parties", "the additional agreement must have the parties of its main contract")
        }
        return parent
    }

    private func checkParties(_ c: inout Checker, _ persons: [String: Person]) {
        if clientID == contractorID {
            c.fail("contractor_external_id", "same_party", "client and contractor must differ")
        }
        let client = persons[clientID]
        let contractor = persons[contractorID]
        if client == nil { c.fail("client_external_id", "not_found", "there is no counterparty \(clientID)") }
        if contractor == nil {
            c.fail("contractor_external_id", "not_found", "there is no counterparty \(contractorID)")
        }
        guard let client, let contractor, clientID != contractorID else { return }
        if let inn = client.inn, inn == contractor.inn {
            c.fail("contractor_external_id", "same_inn", "the parties must have different INNs")
        }
        if let inn = client.foreignINN, inn == contractor.foreignINN {
            c.fail("contractor_external_id", "same_inn", "the parties must have different foreign tax numbers")
        }
    }

    private func checkAmount(_ c: inout Checker, _ parent: Contract?) {
        guard let amount else { return }
        // The whole part has at most 12 digits.
        if amount.kopecks < 0 || amount.kopecks >= 100_000_000_000_000 {
            c.fail("amount", "amount_range", "must be 0 to 999999999999.99")
        }
        if amount == .zero, isMediation(parent) {
            c.fail("amount", "amount_zero", "a mediation contract cannot be without payment")
        }
        if amount > .zero, !flags.contains("vat_included") {
            c.fail(
                "flags", "vat_included_missing",
                "a contract with an amount says whether it includes VAT: add vat_included")
        }
    }

    private func checkFlags(_ c: inout Checker, _ persons: [String: Person]) {
        for (index, flag) in flags.enumerated() { c.choice("flags[\(index)]", flag, Self.allFlags) }
        c.unique("flags", flags)
        if flags.contains("contractor_is_creatives_reporter"), let contractor = persons[contractorID],
            !contractor.roles.contains("ors")
        {
            c.fail(
                "flags", "contractor_not_ors", "contractor_is_creatives_reporter needs a contractor with the role ors")
        }
        if flags.contains("agent_acting_for_publisher"), type != "mediation" {
            c.fail("flags", "mediation_only", "agent_acting_for_publisher is for mediation contracts only")
        }
        guard flags.contains("is_charge_paid_by_agent") else { return }
        if type != "mediation" {
            c.fail("flags", "mediation_only", "is_charge_paid_by_agent is for mediation contracts only")
        }
        if flags.contains("agent_acting_for_publisher") {
            c.fail(
                "flags", "flags_exclude", "is_charge_paid_by_agent and agent_acting_for_publisher exclude each other")
        }
        if let contractor = persons[contractorID], contractor.isForeign {
            c.fail(
                "flags", "contractor_foreign",
                "a foreign contractor cannot pay the levy: remove is_charge_paid_by_agent")
        }
    }
}
