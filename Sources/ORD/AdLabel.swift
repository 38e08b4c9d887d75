/// What marks an ad for the shopper (38-ФЗ, 18.1): the word, the advertiser and his tax number, the token. Made of the
/// very objects that the operator is told of, so that the two cannot differ.
public struct AdLabel: Hashable, Sendable {
    /// The word that marks every ad.
    public static let word = "Реклама"

    /// Name of the advertiser, letter by letter as the operator has it.
    public var advertiser: String
    /// His tax number; a foreign one when he has no Russian, empty when he has neither.
    public var inn: String
    /// The token, case kept.
    public var erid: String

    /// nil when the ad must not be served: there is no token, it is none, or the register refused it.
    public init?(_ creative: Creative, of advertiser: Person) {
        guard let erid = creative.erid, ERID.isPlausible(erid), creative.eridStatus != "bad" else { return nil }
        self.advertiser = advertiser.name
        inn = advertiser.inn ?? advertiser.foreignINN ?? ""
        self.erid = erid
    }

    public init(advertiser: String, inn: String, erid: String) {
        self.advertiser = advertiser
        self.inn = inn
        self.erid = erid
    }

    /// As it is printed: `Реклама. ООО «Ромашка», ИНН 7707083893. erid: 2Vtz…`.
    public var text: String {
        "\(Self.word). \(advertiser)\(inn.isEmpty ? "" : ", ИНН \(inn)"). erid: \(erid)"
    }

    /// Do both consist of the same bytes? Two spellings of one letter are equal as texts and not here.
    public func isIdentical(to other: AdLabel) -> Bool {
        advertiser.utf8.elementsEqual(other.advertiser.utf8) && inn.utf8.elementsEqual(other.inn.utf8)
            && erid.utf8.elementsEqual(other.erid.utf8)
    }
}
