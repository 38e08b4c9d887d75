import Store
import Testing

/// The state machine by itself, every move by every side.
@Suite struct CampaignStateTests {
    private static let moves = CampaignState.allCases.flatMap { from in
        CampaignState.allCases.flatMap { to in CampaignActor.Kind.allCases.map { (from, to, $0) } }
    }

    @Test func onlyTheRetailerApproves() {
        let approving = Self.moves.filter { $0.1 == .approved && $0.0.allows($0.1, by: $0.2) }
        #expect(approving.map { "\($0.0) by \($0.2)" } == ["moderation by retailer"])
    }

    @Test func servingBeginsByItselfOrAfterAPause() {
        let beginning = Self.moves.filter { $0.1.mayServe && $0.0.allows($0.1, by: $0.2) }
        #expect(
            beginning.map { "\($0.0) by \($0.2)" } == [
                "approved by system", "paused by advertiser", "paused by retailer",
            ])
    }

    @Test func withoutTheRetailerNothingThatStartsAsADraftServes() {
        var reached: Set<CampaignState> = [.draft]
        var grew = true
        while grew {
            let next = Set(
                Self.moves.filter { reached.contains($0.0) && $0.2 != .retailer && $0.0.allows($0.1, by: $0.2) }
                    .map(\.1))
            grew = !next.isSubset(of: reached)
            reached.formUnion(next)
        }
        #expect(!reached.contains(.approved) && !reached.contains(.active) && !reached.contains(.paused))
    }

    @Test func whatIsOverStaysOver() {
        for (from, to, kind) in Self.moves where from == .archived { #expect(!from.allows(to, by: kind)) }
        let after = Self.moves.filter { $0.0 == .finished && $0.0.allows($0.1, by: $0.2) }
        #expect(Set(after.map(\.1)) == [.archived])
        for state in CampaignState.allCases {
            for kind in CampaignActor.Kind.allCases { #expect(!state.allows(state, by: kind)) }
        }
    }

    @Test func theLifeOfDomainIsAllowed() {
        for (from, to) in [
            (CampaignState.draft, CampaignState.moderation), (.moderation, .approved), (.moderation, .rejected),
            (.active, .paused), (.paused, .active), (.active, .finished), (.finished, .archived),
        ] {
            #expect(from.next.contains(to))
            #expect(from.allows(to, by: .retailer))
        }
        #expect(CampaignState.approved.allows(.active, by: .system))
    }
}
