import AdModel
import ORD

/// A contract between the retailer and whoever pays for an advertiser's campaigns.
public struct AdvertisingContract: Equatable, Sendable {
    /// Internal id; 0 before it is stored.
    public var id: Int32 = 0
    /// Public id, immutable: the operator knows the contract under `ctr-<code>`.
    public var code: String
    /// One of `ORD.Contract.types`. Campaigns run under `service` and `additional`.
    public var kind = "service"
    /// What an agent does, one of `ORD.Contract.actionTypes`; for mediation only.
    public var actionType: String?
    /// Code of the contract that an additional agreement adds to.
    public var parent: String?
    /// Code of the advertiser whose campaigns run under it.
    public var advertiser: String
    public var advertiserID: Int32 = 0
    /// Code of the counterparty that pays: the advertiser's own or an agency's.
    public var client: String
    /// Code of the counterparty that is paid.
    public var contractor: String
    public var serial: String?
    public var signedOn: Day
    public var endsOn: Day?
    /// One of `ORD.Contract.subjectTypes`.
    public var subjectType = "distribution"
    /// nil is not zero: a contract without payment says zero.
    public var amountKopecks: Int64?
    /// Out of `ORD.Contract.allFlags`.
    public var flags: [String] = []
    /// The seller's regime, an `ORD.VATRate`: rate of every act under this contract.
    public var vatRate = VATRate.twentyTwo.rawValue
    /// Whether money was charged under it, or it has a place in a frozen month: then `reported` is locked.
    public var isReported = false
    public var revision: Int64 = 1

    public init(code: String, advertiser: String, client: String, contractor: String, signedOn: Day) {
        self.code = code
        self.advertiser = advertiser
        self.client = client
        self.contractor = contractor
        self.signedOn = signedOn
    }

    /// Whether campaigns may run under it on a day of the accounting zone.
    public func isInForce(on day: Day) -> Bool { signedOn <= day && (endsOn.map { day <= $0 } ?? true) }

    /// Whether it only marks the retailer's own advertising, which is no contract for the operator.
    public var isSelfPromotion: Bool { client == contractor }

    /// The operator's view of it.
    var operatorContract: Contract {
        Contract(
            id: ExternalIDs.contract(code), type: kind, clientID: ExternalIDs.person(client),
            contractorID: ExternalIDs.person(contractor), date: signedOn, dateEnd: endsOn, serial: serial,
            subjectType: subjectType, actionType: actionType, parentID: parent.map(ExternalIDs.contract),
            amount: amountKopecks.map(KopeckAmount.init(kopecks:)), flags: flags,
            vatRate: VATRate(rawValue: vatRate) ?? .twentyTwo)
    }

    /// Our field for the operator's.
    static func field(of operatorField: String) -> String {
        switch operatorField {
        case "client_external_id": "client"
        case "contractor_external_id": "contractor"
        case "date": "signed_on"
        case "date_end": "ends_on"
        case "amount": "amount_micros"
        case "type": "kind"
        case "parent_contract_external_id": "parent"
        default: operatorField.hasPrefix("flags[") ? "flags" : operatorField
        }
    }

    /// What may not change once money was charged under the contract: acts and records are made of it.
    var reported: [(field: String, value: String?)] {
        [
            ("kind", kind), ("action_type", actionType), ("parent", parent), ("client", client),
            ("contractor", contractor), ("serial", serial), ("signed_on", signedOn.description),
            ("subject_type", subjectType), ("vat_rate", vatRate),
        ]
    }

    /// Names of the members that cannot change any more, in the order of the resource.
    public var lockedFields: [String] { isReported ? reported.map(\.field) : [] }
}
