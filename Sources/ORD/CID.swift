/// A contract that another operator registered, known by the id that ЕРИР gave it: the advertiser's contract with his
/// agency, when the agency is our client (R26).
public struct CID: Hashable, Codable, Sendable {
    /// UUID of ЕРИР in lower case, 36 characters.
    public var id: String
    /// Name of the advertiser, who is the contract's client.
    public var name: String
    /// At most one of the four identities; a phone may accompany another one.
    public var clientINN: String?
    public var clientPhone: String?
    public var clientForeignEpaymentMethod: String?
    public var clientForeignRegistrationNumber: String?
    public var clientForeignINN: String?
    /// What the register says of it: `new, verified, bad`.
    public var status: String

    public init(
        id: String, name: String, clientINN: String? = nil, clientPhone: String? = nil,
        clientForeignEpaymentMethod: String? = nil, clientForeignRegistrationNumber: String? = nil,
        clientForeignINN: String? = nil, status: String = "new"
    ) {
        self.id = id
        self.name = name
        self.clientINN = clientINN
        self.clientPhone = clientPhone
        self.clientForeignEpaymentMethod = clientForeignEpaymentMethod
        self.clientForeignRegistrationNumber = clientForeignRegistrationNumber
        self.clientForeignINN = clientForeignINN
        self.status = status
    }

    public static let statuses = ["new", "verified", "bad"]

    /// Everything that the operator would refuse.
    public func findings() -> [Finding] {
        var c = Checker("cid \(id)")
        if !Self.isUUID(id) { c.fail("id", "cid_format", "must be the 36 characters that ЕРИР gave the contract") }
        c.length("name", name, 1...255)
        c.choice("status", status, Self.statuses)
        if status == "bad" { c.fail("status", "cid_bad", "the register refused it: ask the agency for the right one") }
        let identities = [
            ("client_inn", clientINN), ("client_foreign_epayment_method", clientForeignEpaymentMethod),
            ("client_foreign_registration_number", clientForeignRegistrationNumber),
            ("client_foreign_inn", clientForeignINN),
        ].filter { $0.1 != nil }
        for extra in identities.dropFirst() {
            c.fail(extra.0, "one_identity", "the client is named by one number: remove the others")
        }
        guard let clientINN else { return c.findings }
        do throws(TaxNumber.Defect) {
            if clientINN.utf8.count == 12 {
                try TaxNumber.checkINN12(clientINN)
            } else {
                try TaxNumber.checkINN10(clientINN)
            }
        } catch {
            c.fail("client_inn", error.rawValue, "must be the client's INN: 10 digits of a firm or 12 of a person")
        }
        return c.findings
    }

    private static func isUUID(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [8, 4, 4, 4, 12] else { return false }
        return parts.allSatisfy { $0.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) } }
    }
}
