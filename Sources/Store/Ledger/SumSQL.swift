/// Pieces of statements that add money up. Only fixed text goes in.
enum SumSQL {
    /// A sum that does not fit a bigint stands at this limit: an error here would stop billing or a report for good.
    static let limit = Int64.max / 4

    /// What the advertiser of row `a` may ever have spent: the credit limit and every movement of the wallet, in which
    /// withdrawals are negative. Numeric, so that no sum of bigints is too large for it.
    static let funds = """
        (a.credit_limit_micros::numeric
            + coalesce((select sum(w.amount_micros) from wallet_entry w where w.advertiser_id = a.id), 0))
        """

    /// A numeric expression as a bigint inside `-limit...limit`.
    static func clamped(_ expression: String) -> String {
        "least(greatest((\(expression))::numeric, -\(limit)), \(limit))::int8"
    }
}
