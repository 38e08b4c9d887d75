import AdModel

/// The objects that a month refers to, and what they need (R5).
struct BundleScope {
    let creatives: [Creative]
    let media: [Media]
    /// Additional agreements last.
    let contracts: [Contract]
    let pads: [Pad]
    let cids: [CID]
    let persons: [Person]
    let lineContracts: [(line: MonthStatement.LineItem, contract: Contract)]

    let creativesByID: [String: Creative]
    let contractsByID: [String: Contract]
    let padsByID: [String: Pad]
    let personsByID: [String: Person]
    /// Named by a creative or an item, but not described.
    private let unknownCIDs: [String]

    init(_ statement: MonthStatement, _ settlement: Settlement) {
        func index<T>(_ values: [T], _ id: KeyPath<T, String>) -> [String: T] {
            Dictionary(values.map { ($0[keyPath: id], $0) }) { first, _ in first }
        }
        let allContracts = index(statement.contracts, \.id)
        let usedCreatives = Set(settlement.rows.map(\.creativeID))
        creatives = statement.creatives.filter { usedCreatives.contains($0.id) }.sorted { byteOrder($0.id, $1.id) }
        let usedMedia = Set(creatives.flatMap(\.mediaIDs))
        media = statement.media.filter { usedMedia.contains($0.id) }.sorted { byteOrder($0.id, $1.id) }
        var contractIDs = Set(creatives.flatMap(\.contractIDs) + settlement.acts.map(\.contractID))
        for id in contractIDs { if let parent = allContracts[id]?.parentID { contractIDs.insert(parent) } }
        contracts = contractIDs.compactMap { allContracts[$0] }.sorted { a, b in
            let (x, y) = (a.type == "additional", b.type == "additional")
            return x != y ? y : byteOrder(a.id, b.id)
        }
        let usedPads = Set(settlement.rows.map(\.padID))
        pads = statement.pads.filter { usedPads.contains($0.id) }.sorted { byteOrder($0.id, $1.id) }
        let usedCIDs = Set(creatives.flatMap(\.cids) + settlement.acts.flatMap(\.items).compactMap(\.cid))
        cids = statement.cids.filter { usedCIDs.contains($0.id) }.sorted { byteOrder($0.id, $1.id) }
        unknownCIDs = usedCIDs.subtracting(cids.map(\.id)).sorted(by: byteOrder)
        let usedPersons = Set(
            contracts.flatMap { [$0.clientID, $0.contractorID] } + pads.map(\.personID)
                + creatives.compactMap(\.personID))
        persons = statement.persons.filter { usedPersons.contains($0.id) }.sorted { byteOrder($0.id, $1.id) }
        lineContracts = statement.lineItems.filter { !usedCreatives.isDisjoint(with: $0.creativeIDs) }.compactMap {
            line in
            line.contractID.flatMap { allContracts[$0] }.map { (line, $0) }
        }
        creativesByID = index(creatives, \.id)
        contractsByID = index(contracts, \.id)
        padsByID = index(pads, \.id)
        personsByID = index(persons, \.id)
    }

    /// What is wrong with the objects themselves.
    func findings(kktu: KKTUDictionary, today: Day) -> [Finding] {
        var findings: [Finding] = []
        for person in persons { findings += person.findings() }
        for contract in contracts {
            findings += contract.findings(persons: personsByID, contracts: contractsByID, today: today)
        }
        for pad in pads { findings += pad.findings(persons: personsByID) }
        for cid in cids { findings += cid.findings() }
        for id in unknownCIDs {
            findings.append(
                Finding(
                    code: "not_found", object: "cid \(id)", field: "id",
                    message: "name the advertiser whose contract it is, or remove it"))
        }
        let known = Set(media.map(\.id))
        for creative in creatives {
            findings += creative.findings(contracts: contractsByID, persons: personsByID, media: known, kktu: kktu)
        }
        return findings
    }
}
