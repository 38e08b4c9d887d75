/// States of a campaign and the moves between them.
public enum CampaignState: String, CaseIterable, Sendable {
    case draft, moderation, approved, rejected, active, paused, finished, archived

    /// States that lead forward, as a campaign's life goes.
    public var next: [CampaignState] {
        switch self {
        case .draft: [.moderation]
        case .moderation: [.approved, .rejected]
        case .rejected: [.draft, .moderation]
        case .approved: [.active]
        case .active: [.paused, .finished]
        case .paused: [.active, .finished]
        case .finished: [.archived]
        case .archived: []
        }
    }

    /// The shortest way forward to a state, without the start; nil when there is none, empty when already there.
    public func path(to goal: CampaignState) -> [CampaignState]? {
        var ways: [CampaignState: [CampaignState]] = [self: []]
        var queue = [self]
        while !queue.isEmpty {
            let state = queue.removeFirst()
            guard let way = ways[state] else { continue }
            if state == goal { return way }
            for next in state.next where ways[next] == nil {
                ways[next] = way + [next]
                queue.append(next)
            }
        }
        return nil
    }

    /// Whether somebody of the advertiser, of the retailer or Nimb itself may make the move. Beside the moves of
    /// `next` there are the ways back: withdrawn by its owner, sent back to moderation by an edit, taken down by the
    /// retailer. Only the retailer approves; an approved campaign begins by itself and by nobody's order.
    public func allows(_ goal: CampaignState, by kind: CampaignActor.Kind) -> Bool {
        switch (self, goal) {
        case (.moderation, .approved), (.approved, .rejected), (.active, .rejected), (.paused, .rejected):
            kind == .retailer
        case (.moderation, .rejected): kind != .advertiser
        case (.approved, .active): kind == .system
        case (.active, .finished), (.paused, .finished), (.active, .paused): true
        case (.approved, .finished): kind == .system
        case (.draft, .moderation), (.rejected, .moderation), (.rejected, .draft), (.moderation, .draft),
            (.approved, .draft), (.paused, .active), (.draft, .archived), (.rejected, .archived),
            (.finished, .archived):
            kind != .system
        case (.approved, .moderation), (.active, .moderation), (.paused, .moderation): true
        default: false
        }
    }

    /// Whether its line items may serve, when everything else allows it.
    public var mayServe: Bool { self == .active }

    /// Whether somebody has approved what it holds.
    public var isApproved: Bool { self == .approved || self == .active || self == .paused }

    /// Whether it can still be changed.
    public var isOpen: Bool { self != .finished && self != .archived }
}

/// Who moves a campaign.
public struct CampaignActor: Sendable, Equatable {
    /// On whose side he is.
    public enum Kind: String, CaseIterable, Sendable { case advertiser, retailer, system }
    public var kind: Kind
    /// As in the audit log: `user:usr-…`, `key:…`, or a job's name.
    public var name: String

    public init(_ kind: Kind, name: String) {
        self.kind = kind
        self.name = name
    }

    /// Nimb itself, in the person of one of its jobs.
    public static func job(_ name: String) -> CampaignActor { CampaignActor(.system, name: "job:\(name)") }
}
