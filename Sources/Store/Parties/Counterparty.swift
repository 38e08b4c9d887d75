import ORD

/// A legal person of the advertising market, as the operator of advertising data wants to know it.
public struct Counterparty: Equatable, Sendable {
    /// Internal id; 0 before it is stored.
    public var id: Int32 = 0
    /// Public id, immutable: the operator knows the party under `org-<code>`.
    public var code: String
    /// One of `ORD.Person.kinds`.
    public var kind: String
    public var name: String
    public var inn: String?
    public var kpp: String?
    public var phone: String?
    public var foreignINN: String?
    public var foreignRegistrationNumber: String?
    public var foreignPaymentMethod: String?
    /// Three digits of the ОКСМ classifier.
    public var foreignCountryCode: String?
    public var roles: [String]
    public var rsURL: String?
    /// Printed on papers, told to no operator.
    public var details = PartyDetails()
    public var revision: Int64 = 1

    public init(code: String, kind: String, name: String, roles: [String]) {
        self.code = code
        self.kind = kind
        self.name = name
        self.roles = roles
    }

    /// The operator's view of it.
    public var person: Person {
        Person(
            id: ExternalIDs.person(code), kind: kind, name: name, inn: inn, kpp: kpp, phone: phone,
            foreignINN: foreignINN, foreignRegistrationNumber: foreignRegistrationNumber,
            foreignEpaymentMethod: foreignPaymentMethod, foreignCountryCode: foreignCountryCode, roles: roles,
            rsURL: rsURL)
    }

    /// What the operator would refuse, and what cannot be printed, by our field.
    func check(_ problems: inout FieldProblems) {
        for finding in person.findings() where finding.severity == .error {
            problems.add(Self.field(of: finding.field), finding.code, finding.message)
        }
        for finding in details.findings() { problems.add(finding.field, finding.code, finding.message) }
    }

    /// `juridical_details.inn` to `inn`, `roles[0]` to `roles`.
    private static func field(of operatorField: String) -> String {
        let last = operatorField.split(separator: ".").last.map(String.init) ?? operatorField
        if last.hasPrefix("roles[") { return "roles" }
        return last == "type" ? "kind" : last
    }

    /// Fields by which the operator and the tax office know the party.
    var identity: [(field: String, value: String?)] {
        [
            ("kind", kind), ("inn", inn), ("kpp", kpp), ("foreign_inn", foreignINN),
            ("foreign_registration_number", foreignRegistrationNumber),
            ("foreign_oksm_country_code", foreignCountryCode),
        ]
    }
}
