import AdModel
import Billing
import ORD
import Postgres

extension WalletReferences {
    /// The VAT rate of today under a contract, or under the one in force.
    /// - Throws: `Refusal` when there is none.
    public static func rate(
        contract: Int32?, advertiser: Int32, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> VATRate {
        let day = try RetailerStore.zone(on: db).day(of: now)
        guard let rate = try ContractRegimes(advertiser: advertiser, on: db).rate(contract: contract, on: day) else {
            throw Refusal.field(
                "amount_with_vat_micros", "no_contract",
                "There is no contract in force, so the VAT in the sum is not known: give amount_micros.")
        }
        return rate
    }
}
