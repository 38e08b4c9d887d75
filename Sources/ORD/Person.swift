/// A counterparty (the operator's `person`). Words of the closed lists are kept as text, so that what was typed can
/// be named in an error; `findings()` checks them.
public struct Person: Hashable, Codable, Sendable {
    /// External id, `org-<code>`.
    public var id: String
    /// `physical, juridical, ip, foreign_physical, foreign_juridical`.
    public var kind: String
    public var name: String
    public var inn: String?
    public var kpp: String?
    public var phone: String?
    public var foreignINN: String?
    public var foreignRegistrationNumber: String?
    public var foreignEpaymentMethod: String?
    /// Three digits of the ОКСМ classifier.
    public var foreignCountryCode: String?
    /// `advertiser, agency, ors, publisher`.
    public var roles: [String]
    /// Address of the ad system; goes together with the role `ors`.
    public var rsURL: String?

    public init(
        id: String, kind: String, name: String, inn: String? = nil, kpp: String? = nil, phone: String? = nil,
        foreignINN: String? = nil, foreignRegistrationNumber: String? = nil, foreignEpaymentMethod: String? = nil,
        foreignCountryCode: String? = nil, roles: [String], rsURL: String? = nil
    ) {
        self.id = id
        self.kind = kind
        self.name = name
        self.inn = inn
        self.kpp = kpp
        self.phone = phone
        self.foreignINN = foreignINN
        self.foreignRegistrationNumber = foreignRegistrationNumber
        self.foreignEpaymentMethod = foreignEpaymentMethod
        self.foreignCountryCode = foreignCountryCode
        self.roles = roles
        self.rsURL = rsURL
    }

    public static let kinds = ["physical", "juridical", "ip", "foreign_physical", "foreign_juridical"]
    public static let allRoles = ["advertiser", "agency", "ors", "publisher"]

    public var isForeign: Bool { kind.hasPrefix("foreign_") }

    /// Everything that the operator would refuse.
    public func findings() -> [Finding] {
        var c = Checker("person \(id)")
        ExternalID.check(id, "id", &c)
        c.choice("juridical_details.type", kind, Self.kinds)
        c.length("name", name, 1...255)
        checkName(&c)
        checkRoles(&c)
        checkTaxNumbers(&c)
        checkPhone(&c)
        checkForeign(&c)
        return c.findings
    }

    private func checkName(_ c: inout Checker) {
        let allowed: Bool
        switch kind {
        case "physical": allowed = Names.isPhysical(name)
        case "ip": allowed = Names.isSoleTrader(name)
        default: allowed = Names.isFirm(name)
        }
        guard !allowed, !name.isEmpty else { return }
        switch kind {
        case "physical", "ip":
            c.fail(
                "name", "name_charset",
                "use Russian letters and Roman numerals, one space, dash or apostrophe between words"
                    + (kind == "ip" ? ", dots after initials" : ""))
        default:
            c.fail(
                "name", "name_charset",
                "use letters, digits, spaces and - – — & # , . ; ! ? ‘ ` + * № / : | _ % ° « » \" ( ); "
                    + "the apostrophes ' and ’ and a space at either end are refused: correct the name by hand")
        }
    }

    private func checkRoles(_ c: inout Checker) {
        if roles.isEmpty { c.fail("roles", "required", "give at least one role") }
        for (index, role) in roles.enumerated() { c.choice("roles[\(index)]", role, Self.allRoles) }
        c.unique("roles", roles)
        if roles.contains("ors") {
            if let url = c.required("rs_url", rsURL, "the role ors needs the address of the ad system") {
                c.webAddress("rs_url", url)
            }
        } else {
            c.forbidden("rs_url", rsURL, "only the role ors has an address of the ad system: remove it")
        }
    }

    private func checkTaxNumbers(_ c: inout Checker) {
        let field = "juridical_details.inn"
        if isForeign {
            c.forbidden(field, inn, "a foreign party has no Russian INN: remove it")
        } else if let inn = c.required(field, inn, "give the INN") {
            do {
                if kind == "juridical" { try TaxNumber.checkINN10(inn) } else { try TaxNumber.checkINN12(inn) }
            } catch {
                let expected = kind == "juridical" ? 10 : 12
                switch error {
                case .digits: c.fail(field, error.rawValue, "write only the digits 0-9")
                case .length: c.fail(field, error.rawValue, "must have \(expected) digits; keep leading zeros")
                case .zeros: c.fail(field, error.rawValue, "an INN of zeros does not exist: ask the party for it")
                case .checksum: c.fail(field, error.rawValue, "the check digit is wrong: compare with the contract")
                }
            }
        }
        if kind == "juridical" {
            if let kpp, !TaxNumber.isKPP(kpp) {
                c.fail("juridical_details.kpp", "kpp_format", "must have nine digits")
            }
        } else {
            c.forbidden("juridical_details.kpp", kpp, "only a firm (juridical) has a KPP: remove it")
        }
    }

    private func checkPhone(_ c: inout Checker) {
        let field = "juridical_details.phone"
        guard let phone else {
            if kind == "foreign_physical", foreignEpaymentMethod == nil {
                c.fail(field, "required", "a foreign person needs a phone or an electronic means of payment")
            }
            return
        }
        let bytes = Array(phone.utf8)
        let digits = bytes.count { (0x30...0x39).contains($0) }
        let allowed = bytes.dropFirst().allSatisfy {
            (0x30...0x39).contains($0) || [0x28, 0x29, 0x20, 0x2D].contains($0)
        }
        if bytes.first != 0x2B || !allowed || !(9...36).contains(bytes.count) || !(8...15).contains(digits) {
            c.fail(field, "phone_format", "write + and 8 to 15 digits, with spaces, brackets or hyphens at most")
        }
    }

    private func checkForeign(_ c: inout Checker) {
        let details = "juridical_details."
        guard isForeign else {
            let why = "only a foreign party has it: remove it"
            c.forbidden(details + "foreign_inn", foreignINN, why)
            c.forbidden(details + "foreign_registration_number", foreignRegistrationNumber, why)
            c.forbidden(details + "foreign_epayment_method", foreignEpaymentMethod, why)
            c.forbidden(details + "foreign_oksm_country_code", foreignCountryCode, why)
            return
        }
        if let code = c.required(
            details + "foreign_oksm_country_code", foreignCountryCode, "give the ОКСМ code of the country"),
            code.utf8.count != 3 || !code.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        {
            c.fail(details + "foreign_oksm_country_code", "country_format", "must have three digits")
        }
        if let foreignEpaymentMethod { c.length(details + "foreign_epayment_method", foreignEpaymentMethod, 1...32) }
        if let foreignINN { c.length(details + "foreign_inn", foreignINN, 1...50) }
        if let number = foreignRegistrationNumber {
            c.length(details + "foreign_registration_number", number, 1...32)
        }
        if kind == "foreign_physical" {
            if roles.contains("ors") {
                _ = c.required(details + "foreign_inn", foreignINN, "a foreign person with the role ors needs it")
            } else {
                c.forbidden(details + "foreign_inn", foreignINN, "a foreign person without the role ors has none")
            }
            c.forbidden(
                details + "foreign_registration_number", foreignRegistrationNumber, "only a foreign firm has it")
        } else if kind == "foreign_juridical", foreignINN == nil, foreignRegistrationNumber == nil {
            c.fail(
                details + "foreign_inn", "required", "a foreign firm needs a tax number or a registration number")
        }
    }
}

/// External ids: `A-Z a-z 0-9 . -`, 1 to 100 characters. No underscore: the operator joins ids with `__`.
enum ExternalID {
    static func check(_ id: String, _ field: String, _ c: inout Checker) {
        let allowed = id.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2E
                || $0 == 0x2D
        }
        if !allowed || !(1...100).contains(id.utf8.count) {
            c.fail(field, "external_id", "must have 1 to 100 characters of A-Z, a-z, 0-9, dot and hyphen")
        }
    }
}
