import AdModel
import ORD

/// How sums without VAT, which the wallet keeps, become sums with it, and back. Exact integers throughout.
///
/// - Without to with: the sum is rounded half up to kopecks, VAT is the rate's percent of that, rounded half up to
///   kopecks; with VAT is their sum. It is the rule of acts, so a statement and an act of the same sum agree.
/// - With to without (what a payer paid): VAT = paid x p / (100 + p), rounded half up to kopecks; the wallet gets the
///   rest. Nothing of the payment is lost.
///
/// Sums below zero are the mirror of those above.
public enum WalletVAT {
    /// A sum in its three parts; `gross` is always `net + vat`.
    public struct Parts: Equatable, Sendable {
        /// Without VAT, whole kopecks.
        public var net: KopeckAmount
        public var vat: KopeckAmount
        /// With VAT.
        public var gross: KopeckAmount { net + vat }

        public init(net: KopeckAmount, vat: KopeckAmount) {
            self.net = net
            self.vat = vat
        }
    }

    /// The rate on a day of a contract with the given regime: the general rate was 20 % until the end of 2025 and is
    /// 22 % since, whichever of the two the contract was made with; the others stay what they are.
    public static func rate(_ regime: VATRate, on day: Day) -> VATRate { regime.inForce(on: day) }

    /// VAT on top of a sum without it.
    public static func adding(to amount: Micros, at rate: VATRate) -> Parts {
        guard amount >= .zero else {
            let mirror = adding(to: -amount, at: rate)
            return Parts(net: .zero - mirror.net, vat: .zero - mirror.vat)
        }
        let net = KopeckAmount(roundingHalfUp: amount)
        return Parts(net: net, vat: VAT.amount(of: net, at: rate))
    }

    /// The VAT inside a sum that was paid, not negative.
    public static func splitting(paid: KopeckAmount, at rate: VATRate) -> Parts {
        let whole = Int128(100 + rate.percent)
        let vat = (Int128(paid.kopecks) * Int128(rate.percent) * 2 + whole) / (2 * whole)
        let amount = KopeckAmount(kopecks: Int64(vat))
        return Parts(net: paid - amount, vat: amount)
    }
}
