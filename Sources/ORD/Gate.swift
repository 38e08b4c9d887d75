import AdModel

/// The gate before every export: ledger = statistics = items = act, nothing missing, nothing doubled, nothing in the
/// future. An error stops the export, a warning until a person overrides it by name; notes travel in the manifest.
public enum Gate {
    /// What of the findings stops the export: errors, and warnings that nobody answers for.
    public static func blocking(_ findings: [Finding], _ overrides: [GateOverride]) -> [Finding] {
        findings.filter { finding in
            switch finding.severity {
            case .error: true
            case .warning: !overrides.contains { $0.covers(finding) }
            case .note: false
            }
        }
    }

    /// Findings that no later correction of an object can mend: a month with one of them is not frozen.
    public static func arithmetic(_ statement: MonthStatement, _ settlement: Settlement) -> [Finding] {
        settlement.findings + sums(statement, settlement).filter { $0.severity == .error }
    }

    /// All findings of a month, in a stable order.
    /// - Parameter today: the day in UTC; dates after it are refused.
    public static func findings(
        _ statement: MonthStatement, _ settlement: Settlement, kktu: KKTUDictionary, today: Day
    ) -> [Finding] {
        let used = BundleScope(statement, settlement)
        var findings = settlement.findings
        findings += used.findings(kktu: kktu, today: today)
        findings += erids(used)
        findings += documents(used, settlement, today: today)
        findings += sums(statement, settlement)
        findings += duplicates(statement, settlement)
        return findings
    }

    /// R8: whatever was shown has a token, and not a refused one.
    private static func erids(_ used: BundleScope) -> [Finding] {
        used.creatives.flatMap { creative -> [Finding] in
            let object = "creative \(creative.id)"
            if creative.erid == nil {
                return [
                    Finding(
                        code: "erid_missing", object: object, field: "erid",
                        message: "it was shown without an erid: register it with the operator and enter the erid")
                ]
            }
            guard creative.eridStatus == "bad" else { return [] }
            return [
                Finding(
                    code: "erid_bad", object: object, field: "erid",
                    message: "ЕРИР refused the erid: correct the creative with the operator")
            ]
        }
    }

    private static func documents(_ used: BundleScope, _ settlement: Settlement, today: Day) -> [Finding] {
        var findings: [Finding] = []
        var actOfCreative: [String: Act] = [:]
        for act in settlement.acts {
            findings += act.findings(contracts: used.contractsByID, creatives: used.creativesByID, today: today)
            for item in act.items { for id in item.creativeIDs { actOfCreative[id] = act } }
        }
        for row in settlement.rows {
            let act = actOfCreative[row.creativeID]
            findings += row.findings(
                creatives: used.creativesByID, pads: used.padsByID, actDate: act?.date ?? row.actualEnd, today: today)
            guard let act, row.actualStart < act.dateStart || row.actualEnd > act.dateEnd else { continue }
            findings.append(
                Finding(
                    code: "row_outside_act", object: "statistics \(row.creativeID) \(row.padID)",
                    field: row.actualStart < act.dateStart ? "date_start_actual" : "date_end_actual",
                    message: "shown outside the contract's dates (\(act.dateStart) to \(act.dateEnd)): "
                        + "correct the contract or the charges"))
        }
        for (line, contract) in used.lineContracts {
            if line.advertiserID != contract.clientID, line.cid == nil {
                findings.append(
                    Finding(
                        code: "agency_contract", object: "contract \(contract.id)", field: "client_external_id",
                        message: "line item \(line.id) is advertised by \(line.advertiserID), not by the client: "
                            + "enter the advertiser's contract with the agency (cid)",
                        related: [Finding.Link("line_item", line.id)]))
            }
            guard line.cid != nil, used.personsByID[contract.clientID]?.roles.contains("agency") == false else {
                continue
            }
            findings.append(
                Finding(
                    code: "not_an_agency", object: "person \(contract.clientID)", field: "roles",
                    message:
                        "contract \(contract.id) is used with an advertiser's cid: give the client the role agency",
                    related: [Finding.Link("contract", contract.id)]))
        }
        return findings
    }

    /// Every sum is computed twice, by different ways.
    private static func sums(_ statement: MonthStatement, _ settlement: Settlement) -> [Finding] {
        var findings: [Finding] = []
        func differs(_ code: String, _ object: String, _ field: String, _ message: String) {
            findings.append(Finding(code: code, object: object, field: field, message: message))
        }
        let month = "month \(statement.month)"
        let placed = settlement.ledgers.reduce(Micros.zero) { $0 + $1.ledger }
        if placed != statement.ledgerTotal {
            findings.append(
                Finding(
                    code: "ledger_differs", object: month, field: "ledger",
                    message: "the ledger holds \(statement.ledgerTotal), the rows of contracts \(placed): "
                        + "some charges are not reported", related: unreported(statement, settlement)))
        }
        let shows = settlement.countedShows
        if shows != statement.showsTotal {
            differs("shows_differ", month, "shows_count", "\(statement.showsTotal) shows counted, \(shows) in the rows")
        }
        var actOfCreative: [String: String] = [:]
        for act in settlement.acts {
            for item in act.items { for id in item.creativeIDs { actOfCreative[id] = act.id } }
        }
        let rowsByAct = Dictionary(grouping: settlement.rows) { actOfCreative[$0.creativeID] ?? "" }
        // What an agent reports of his commission is not made of our charges.
        for act in settlement.acts where act.commission == nil {
            let object = "act \(act.id)"
            let rows = rowsByAct[act.id, default: []].compactMap(\.amount)
            let rowsExcluding = rows.reduce(Decimal5.zero) { $0 + $1.excludingVAT }
            let rowsVAT = rows.reduce(Decimal5.zero) { $0 + $1.vat }
            let services = act.services
            if rowsExcluding != services.excludingVAT.decimal5 {
                differs(
                    "statistics_differ", object, "amount.services.excluding_vat",
                    "the act is \(services.excludingVAT), its rows add up to \(rowsExcluding)")
            }
            let rest = services.vat.decimal5 - rowsVAT
            // Only what the operator's bounds leave no room for may remain.
            if rest != settlement.ledgers.first(where: { $0.actID == act.id })?.vatRest ?? .zero {
                differs(
                    "statistics_vat_differs", object, "amount.services.vat",
                    "VAT of the act is \(services.vat), of its rows \(rowsVAT)")
            } else if rest != .zero {
                findings.append(
                    Finding(
                        .note, code: "vat_rest", object: object, field: "amount.services.vat",
                        message: "VAT of the rows is \(rowsVAT), of the act \(services.vat): "
                            + "the operator's bounds of small rows leave no room for the rest"))
            }
            let items = act.items.reduce(KopeckAmount.zero) { $0 + $1.amount.excludingVAT }
            let itemsVAT = act.items.reduce(KopeckAmount.zero) { $0 + $1.amount.vat }
            if items != services.excludingVAT || itemsVAT != services.vat {
                differs(
                    "items_differ", object, "items",
                    "the items add up to \(items) and VAT \(itemsVAT), the act is \(services.excludingVAT) and \(services.vat)"
                )
            }
            guard let ledger = settlement.ledgers.first(where: { $0.actID == act.id }) else {
                differs("act_without_ledger", object, "", "no charges lead to this act")
                continue
            }
            if ledger.ledger + ledger.rounding != services.excludingVAT.micros || abs(ledger.rounding.value) > 5_000 {
                differs(
                    "act_differs", object, "amount.services.excluding_vat",
                    "the ledger holds \(ledger.ledger), the act says \(services.excludingVAT)")
            }
        }
        return findings
    }

    /// Charges of line items whose contract is not among the contracts.
    private static func unreported(_ statement: MonthStatement, _ settlement: Settlement) -> [Finding.Link] {
        let reported = Set(settlement.ledgers.map(\.contractID))
        let contracts = Dictionary(statement.lineItems.map { ($0.id, $0.contractID) }) { first, _ in first }
        return statement.facts.filter { fact in
            guard fact.ledger != .zero else { return false }
            return (contracts[fact.lineItemID] ?? nil).map { !reported.contains($0) } ?? true
        }.map { Finding.Link("charge", String($0.chargeID)) }
    }

    /// The same thing registered twice costs a second levy.
    private static func duplicates(_ statement: MonthStatement, _ settlement: Settlement) -> [Finding] {
        var findings: [Finding] = []
        var persons: [String: String] = [:]
        for person in statement.persons.sorted(by: { byteOrder($0.id, $1.id) }) {
            guard let inn = person.inn else { continue }
            if let other = persons.updateValue(person.id, forKey: "\(inn) \(person.kpp ?? "")") {
                findings.append(
                    Finding(
                        code: "person_duplicate", object: "person \(person.id)", field: "juridical_details.inn",
                        message: "has the INN and KPP of \(other): keep one of them"))
            }
        }
        var pads: [String: String] = [:]
        for pad in statement.pads.sorted(by: { byteOrder($0.id, $1.id) }) {
            guard let url = pad.url, !url.isEmpty else { continue }
            if let other = pads.updateValue(pad.id, forKey: Address.comparable(url)) {
                findings.append(
                    Finding(
                        code: "pad_duplicate", object: "pad \(pad.id)", field: "url",
                        message: "has the address of \(other): give each pad its own"))
            }
        }
        return findings + serials(statement, settlement)
    }

    private static func serials(_ statement: MonthStatement, _ settlement: Settlement) -> [Finding] {
        var findings: [Finding] = []
        var contracts: [String: [Contract]] = [:]
        for contract in statement.contracts.sorted(by: { byteOrder($0.id, $1.id) }) {
            guard let serial = contract.serial else { continue }
            let key = "\(contract.contractorID) \(Serial.folded(serial))"
            // The same number with another client is another contract; a look-alike number never is meant.
            if let other = contracts[key]?.first(where: { $0.clientID == contract.clientID || $0.serial != serial }) {
                findings.append(
                    Finding(
                        .warning, code: "serial_duplicate", object: "contract \(contract.id)", field: "serial",
                        message: "reads like the serial of \(other.id) (case, punctuation and Latin or Cyrillic "
                            + "letters aside): keep one contract, or give it another number",
                        related: [Finding.Link("contract", other.id)]))
            }
            contracts[key, default: []].append(contract)
        }
        let sellers = Dictionary(statement.contracts.map { ($0.id, $0.contractorID) }) { first, _ in first }
        var acts: [String: String] = [:]
        for act in settlement.acts {
            guard let serial = act.serial else { continue }
            let key = "\(sellers[act.contractID] ?? "") \(Serial.folded(serial))"
            if let other = acts.updateValue(act.id, forKey: key) {
                findings.append(
                    Finding(
                        .warning, code: "serial_duplicate", object: "act \(act.id)", field: "serial",
                        message: "reads like the serial of \(other): number the acts again",
                        related: [Finding.Link("act", other)]))
            }
        }
        return findings
    }
}
