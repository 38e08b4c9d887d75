import ORD

/// One side of a paper: who it is, where its money goes and who signs.
public struct Party: Hashable, Sendable {
    public var person: Person
    public var details: PartyDetails

    public init(_ person: Person, _ details: PartyDetails = PartyDetails()) {
        self.person = person
        self.details = details
    }

    var values: [String: Any] {
        .compact([
            "name": person.name, "numbers": numbers, "address": details.address,
            "post": details.signatoryPost ?? "\u{A0}", "signatory": details.signatoryName,
            "bank": details.bank.map { bank -> [String: Any] in
                [
                    "bankName": bank.name, "bik": bank.bik, "account": bank.account,
                    "correspondentAccount": bank.correspondentAccount ?? "", "inn": person.inn ?? "",
                    "kpp": person.kpp ?? "", "recipient": person.name,
                ]
            },
        ])
    }

    /// `, ИНН 7707083893, КПП 773601001`
    private var numbers: String {
        var text = ""
        if let inn = person.inn { text += ", ИНН \(inn)" }
        if let kpp = person.kpp { text += ", КПП \(kpp)" }
        if let foreign = person.foreignINN { text += ", налоговый номер \(foreign)" }
        if let number = person.foreignRegistrationNumber { text += ", рег. № \(number)" }
        return text
    }
}

/// What a contract is called on paper.
enum ContractTitle {
    /// `договор № РМ-15/26 от 10 января 2026 г.`
    static func of(_ contract: Contract) -> String {
        let kind = contract.type == "additional" ? "дополнительное соглашение" : "договор"
        return "\(kind)\(contract.serial.map { " № \($0)" } ?? "") от \(RussianText.date(contract.date))"
    }
}

/// The sums of a paper, as figures and in words.
enum SumValues {
    static func of(_ amount: TaxedAmount<KopeckAmount>) -> [String: Any] {
        .compact([
            "excludingVAT": RussianText.amount(amount.excludingVAT), "vat": RussianText.amount(amount.vat),
            "includingVAT": RussianText.amount(amount.includingVAT), "rate": RussianText.rate(amount.rate),
            "hasVAT": amount.rate != .withoutVAT, "words": RussianText.words(amount.includingVAT),
            "vatWords": amount.rate == .withoutVAT ? nil : RussianText.words(amount.vat),
        ])
    }
}
