import AdModel
import ORD
import Postgres

/// Whose payment it is: by the contract that the purpose names, else by the payer's tax number.
struct BankMatcher {
    /// How the advertiser was found, or why not. Raw values are stored.
    enum Match: String {
        /// The purpose names his contract, or an invoice under it.
        case contract
        /// The payer is he, or the client of his contract.
        case inn
        /// Somebody said so.
        case person
        case noAdvertiser = "no_advertiser"
        /// The payer pays for several, and the purpose does not say for whom.
        case severalAdvertisers = "several_advertisers"
        /// He has no contract on the day, so nobody knows the VAT in the payment.
        case noContract = "no_contract"
        /// The purpose names a contract that is another payer's.
        case contradiction
    }

    struct Result: Equatable {
        var match: Match
        var advertiserID: Int32?
        var contractID: Int32?
        var rate: VATRate?
    }

    private struct Contract {
        var id: Int32
        var advertiserID: Int32
        /// Cyrillic letters of numbers look like latin ones; folded for comparison.
        var serial: String?
        var clientINN: String?
        var from: Day
        var to: Day?
        var regime: VATRate
        /// Later regimes, earliest first.
        var changes: [VATPeriod]

        func isInForce(on day: Day) -> Bool { from <= day && day <= (to ?? day) }
    }

    /// Serials that are shorter are found in any text.
    private static let shortestSerial = 3

    /// An invoice that a payment may name.
    private struct Invoice {
        var advertiserID: Int32
        var contractID: Int32
        var rate: VATRate
    }

    /// Newest invoices that are looked for in purposes.
    private static let invoiceLimit = 20_000

    private let contracts: [Contract]
    /// By folded number.
    private let invoices: [String: Invoice]
    private let advertisersByINN: [String: Set<Int32>]
    /// The retailer's own tax number.
    let ownINN: String?

    init(on db: isolated PostgresConnection) throws {
        let changes = try ContractVAT.all(on: db)
        contracts = try db.query(
            """
            select k.id, k.advertiser_id, k.serial, k.signed_on, k.ends_on, k.vat_rate, p.inn
            from contract k join counterparty p on p.id = k.client_counterparty_id
            where k.kind <> 'mediation' order by k.signed_on desc, k.id desc
            """
        ).compactMap { row in
            guard let regime = VATRate(rawValue: try row.string("vat_rate")) else { return nil }
            return Contract(
                id: try row.int32("id"), advertiserID: try row.int32("advertiser_id"),
                serial: try row.stringIfPresent("serial").map(Self.folded), clientINN: try row.stringIfPresent("inn"),
                from: Day(number: try row.days("signed_on")), to: try row.daysIfPresent("ends_on").map(Day.init),
                regime: regime, changes: changes[try row.int32("id")] ?? [])
        }
        var invoices: [String: Invoice] = [:]
        for row in try db.query(
            """
            select serial, advertiser_id, contract_id, vat_rate from top_up_invoice order by id desc
            limit \(Self.invoiceLimit)
            """)
        {
            guard let rate = VATRate(rawValue: try row.string("vat_rate")) else { continue }
            invoices[Self.folded(try row.string("serial"))] = Invoice(
                advertiserID: try row.int32("advertiser_id"), contractID: try row.int32("contract_id"), rate: rate)
        }
        self.invoices = invoices
        var byINN: [String: Set<Int32>] = [:]
        let rows = try db.query(
            "select a.id, p.inn from advertiser a join counterparty p on p.id = a.counterparty_id where p.inn is not null"
        )
        for row in rows { byINN[try row.string("inn"), default: []].insert(try row.int32("id")) }
        for contract in contracts {
            if let inn = contract.clientINN { byINN[inn, default: []].insert(contract.advertiserID) }
        }
        advertisersByINN = byINN
        ownINN = try db.query(
            "select p.inn from retailer r join counterparty p on p.id = r.counterparty_id"
        ).first?.stringIfPresent("inn")
    }

    func find(_ document: BankDocument) -> Result {
        let payers = document.payerINN.isEmpty ? [] : advertisersByINN[document.payerINN] ?? []
        if let invoice = invoice(in: document.purpose) {
            guard payers.isEmpty || payers.contains(invoice.advertiserID) else { return Result(match: .contradiction) }
            return Result(
                match: .contract, advertiserID: invoice.advertiserID, contractID: invoice.contractID,
                rate: WalletVAT.rate(invoice.rate, on: document.date))
        }
        let named = named(in: document.purpose, on: document.date)
        if let contract = named {
            // A payment for somebody else is taken only from a payer who is nobody here.
            guard payers.isEmpty || payers.contains(contract.advertiserID) else {
                return Result(match: .contradiction)
            }
            return result(.contract, contract, document.date)
        }
        guard let advertiser = payers.first else { return Result(match: .noAdvertiser) }
        guard payers.count == 1 else { return Result(match: .severalAdvertisers) }
        return with(advertiser, .inn, document)
    }

    /// For an advertiser that is known.
    func with(_ advertiser: Int32, _ match: Match, _ document: BankDocument) -> Result {
        let own = contracts.filter { $0.advertiserID == advertiser && $0.isInForce(on: document.date) }
        // The contract that this payer pays under comes first.
        let contract = own.first { $0.clientINN == document.payerINN && !document.payerINN.isEmpty } ?? own.first
        guard let contract else { return Result(match: .noContract) }
        return result(match, contract, document.date)
    }

    private func result(_ match: Match, _ contract: Contract, _ day: Day) -> Result {
        let regime = contract.changes.last { $0.from <= day }?.rate ?? contract.regime
        return Result(
            match: match, advertiserID: contract.advertiserID, contractID: contract.id,
            rate: WalletVAT.rate(regime, on: day))
    }

    /// The invoice that the purpose names; nil when none or several. Numbers are words without spaces, so each word is
    /// looked up.
    private func invoice(in purpose: String) -> Invoice? {
        let words = Self.folded(purpose).split { $0.isWhitespace || ",;.()«»\"№".contains($0) }
        let found = Set(words.map(String.init)).compactMap { invoices[$0] }
        return found.count == 1 ? found[0] : nil
    }

    /// The one advertiser whose contract the purpose names, by the longest serial; nil when none or several.
    private func named(in purpose: String, on day: Day) -> Contract? {
        let text = Self.folded(purpose)
        let found = contracts.filter { contract in
            guard let serial = contract.serial, serial.count >= Self.shortestSerial, contract.isInForce(on: day) else {
                return false
            }
            return Self.holds(text, serial)
        }
        guard let longest = found.map({ $0.serial?.count ?? 0 }).max() else { return nil }
        let best = found.filter { $0.serial?.count == longest }
        return Set(best.map(\.advertiserID)).count == 1 ? best.first : nil
    }

    /// Whether the serial stands in the text as a word of its own: `12` is not in `№ 123`.
    private static func holds(_ text: String, _ serial: String) -> Bool {
        var rest = text[...]
        while let range = rest.firstRange(of: serial) {
            let before = range.lowerBound == text.startIndex ? nil : text[text.index(before: range.lowerBound)]
            let after = range.upperBound == text.endIndex ? nil : text[range.upperBound]
            func isPart(_ character: Character?) -> Bool { character?.isLetter == true || character?.isNumber == true }
            if !isPart(before), !isPart(after) { return true }
            rest = rest[text.index(after: range.lowerBound)...]
        }
        return false
    }

    private static func folded(_ text: String) -> String {
        let alike: [Character: Character] = [
            "а": "a", "в": "b", "е": "e", "к": "k", "м": "m", "н": "h", "о": "o", "р": "p", "с": "c", "т": "t",
            "у": "y", "х": "x",
        ]
        let words = text.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return String(words.map { alike[$0] ?? $0 })
    }
}
