import AdModel
import ORD

/// A счёт на оплату for a top-up of an advertiser's wallet.
public struct TopUpInvoice: Hashable, Sendable {
    public var number: String
    public var date: Day
    public var seller: Party
    public var buyer: Party
    public var contract: Contract?
    /// What the wallet will hold, the VAT on it, and what is to be paid.
    public var amount: TaxedAmount<KopeckAmount>
    public var payBy: Day?

    /// - Parameters:
    ///   - number: as the bank's file will repeat it.
    ///   - net: what the wallet will hold, without VAT, above zero.
    ///   - rate: of the contract.
    public init(
        number: String, date: Day, seller: Party, buyer: Party, contract: Contract?, net: KopeckAmount, rate: VATRate,
        payBy: Day? = nil
    ) {
        self.number = number
        self.date = date
        self.seller = seller
        self.buyer = buyer
        self.contract = contract
        amount = TaxedAmount(excludingVAT: net, rate: rate, vat: VAT.amount(of: net, at: rate))
        self.payBy = payBy
    }

    /// The words that the payer's bank repeats.
    public var purpose: String {
        let tax =
            amount.rate == .withoutVAT
            ? "НДС не облагается" : "в т. ч. НДС \(amount.rate.percent) % — \(RussianText.amount(amount.vat)) ₽"
        return "Оплата по счёту № \(number) от \(RussianText.shortDate(date)) за размещение рекламы, \(tax)"
    }

    /// The paper as HTML that is complete in itself.
    public var html: [UInt8] {
        let line: [String: Any] = [
            "number": "1", "excludingVAT": RussianText.amount(amount.excludingVAT),
            "name": "Размещение рекламы: пополнение баланса рекламного кабинета",
        ]
        var values = SumValues.of(amount)
        values.merge(
            .compact([
                "title": "Счёт на оплату № \(number) от \(RussianText.date(date))", "seller": seller.values,
                "buyer": buyer.values, "contract": contract.map(ContractTitle.of), "lines": [line], "count": "1",
                "purpose": purpose, "payBy": payBy.map(RussianText.date),
            ])
        ) { _, new in new }
        return DocumentTemplate.invoice.html(values)
    }
}
