/// What a notice is about: a closed list, the same in the inbox, mails and webhooks. Raw values are stored.
public enum NoticeKind: String, CaseIterable, Sendable {
    case creativeRejected = "creative_rejected"
    case campaignRejected = "campaign_rejected"
    case campaignApproved = "campaign_approved"
    case eridFailed = "erid_failed"
    /// Four fifths of a budget are spent.
    case budget80 = "budget_80"
    /// A budget is spent.
    case budget100 = "budget_100"
    case lowBalance = "low_balance"
    /// An active line item in flight had no impression for 24 hours.
    case notDelivering = "not_delivering"
    case feedLate = "feed_late"

    /// The list as the database keeps it.
    public static let names = allCases.map(\.rawValue)
}
