import AdModel
import Profiles

extension Work {
    /// Times that a page is decided again because a campaign whose line items stand together was not complete; then no
    /// such campaign is shown on it.
    static let companionRounds = 4

    /// Sets the campaigns aside that won places, but not for all of their companions.
    /// - Returns: false when the page can stay as it is.
    mutating func setIncompleteAside(_ inputs: Decider.Inputs, _ result: DecisionResult) -> Bool {
        var found = false
        for ad in result.ads where setAside(ad.line, inputs) { found = true }
        for loser in result.losers where loser.reason == .holdout && setAside(loser.line, inputs) { found = true }
        companionRound &+= found ? 1 : 0
        return found
    }

    private mutating func setAside(_ index: Int32, _ inputs: Decider.Inputs) -> Bool {
        let line = inputs.snapshot.lines[Int(index)]
        guard line.flags.contains(.companion) else { return false }
        let set = inputs.snapshot.companions.set(ofCampaign: line.campaignID)
        guard set >= 0, companionAside[Int(set)] != firstEpoch, !isWhole(set, inputs) else { return false }
        companionAside[Int(set)] = firstEpoch
        return true
    }

    /// Whether every companion that runs now has its place on the page, or would have it but for a holdout.
    private mutating func isWhole(_ set: Int32, _ inputs: Decider.Inputs) -> Bool {
        let companions = inputs.snapshot.companions
        for place in companions.range(set) {
            let index = Int(companions.line(place))
            let line = inputs.snapshot.lines[index]
            let runs =
                !line.flags.contains(.paused) && inputs.now.micros >= line.startsAt && inputs.now.micros < line.endsAt
            if runs, lineOnPage[index] != epoch, lineGhosted[index] != epoch { return false }
        }
        return true
    }

    /// Whether a line item belongs to a campaign that is not shown on this page any more.
    @inline(__always)
    mutating func isAside(_ line: Snapshot.Line, _ inputs: Decider.Inputs) -> Bool {
        guard line.flags.contains(.companion) else { return false }
        if companionRound > Self.companionRounds { return true }
        let set = inputs.snapshot.companions.set(ofCampaign: line.campaignID)
        return set >= 0 && companionAside[Int(set)] == firstEpoch
    }

    /// Undoes what winning took, before the page is decided again.
    mutating func takeBack(_ request: DecisionRequest, _ inputs: Decider.Inputs, _ result: DecisionResult) {
        for ad in result.ads {
            let line = inputs.snapshot.lines[Int(ad.line)]
            if ad.reserved > 0 { inputs.budget.release(line.id, Micros(ad.reserved)) }
            if hasProfile, line.flags.contains(.capped), let profiles = inputs.profiles {
                profiles.withdraw(
                    request.shopper, lineItemID: line.id, advertiserID: line.advertiserID, at: inputs.now)
            }
        }
    }

    /// Forgets the page as it stands: everything on it is stamped.
    mutating func beginRound() {
        epoch += 1
        attributes.removeAll()
        candidates.removeAll()
        slots.removeAll()
    }
}
