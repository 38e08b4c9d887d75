/// Refuses a campaign with two advertisers, touches and campaigns taken together (rule 5).
struct CampaignOwners: Sendable {
    /// Who named the advertiser first.
    struct Claim: Sendable {
        var table: AttributionTable
        var position: Int

        func error(_ campaign: AttributionID, position second: Int) -> AttributionError {
            AttributionError(
                code: "conflict", message: "campaign \(campaign.text) has two advertisers; keep one",
                table: .touches, position: second, otherTable: table, otherPosition: position)
        }
    }

    private struct Slot {
        var campaign = IDKey(.empty)
        var owner = IDKey(.empty)
        var position = 0
        var isTouch = false
    }

    private var slots: [Slot]
    private var mask: Int
    private var count = 0
    /// Hashes of pairs that were claimed before: one small look for nearly every touch.
    private var pairs: [UInt64]

    /// Knows of no campaign yet.
    init() {
        slots = [Slot](repeating: Slot(), count: 16)
        pairs = [UInt64](repeating: 0, count: 16)
        mask = 15
    }

    /// Knows what the campaigns table says.
    init(_ reference: AttributionReference) {
        var size = 16
        while size < reference.campaigns.count * 2 { size *= 2 }
        slots = [Slot](repeating: Slot(), count: size)
        mask = size - 1
        pairs = [UInt64](repeating: 0, count: size)
        for campaign in 0..<UInt32(reference.campaigns.count) {
            let advertiser = reference.campaignAdvertiser[Int(campaign)]
            if advertiser == Interner.none { continue }
            reference.campaigns.withBytes(campaign) { campaign_ in
                reference.advertisers.withBytes(advertiser) { owner in
                    _ = claim(
                        IDKey(Cell(campaign_.baseAddress, campaign_.count)),
                        IDKey(Cell(owner.baseAddress, owner.count)), reference.campaignPosition[Int(campaign)], false)
                }
            }
        }
    }

    /// Notes that a touch names this advertiser; who said otherwise before, if anyone. Absent ids claim nothing.
    @inline(__always)
    mutating func claim(_ campaign: Cell, _ advertiser: Cell, position: Int) -> Claim? {
        if campaign.isEmpty || advertiser.isEmpty { return nil }
        let campaign = IDKey(campaign)
        let owner = IDKey(advertiser)
        let pair = IDKey.mix(campaign.low ^ owner.high, IDKey.mix(campaign.high, owner.low ^ 0xA076_1D64_78BD_642F)) | 1
        var at = Int(truncatingIfNeeded: pair >> 1) & mask
        while pairs[at] != 0 {
            if pairs[at] == pair { return nil }
            at = (at + 1) & mask
        }
        if let first = claim(campaign, owner, position, true) { return first }
        note(pair)
        return nil
    }

    private mutating func note(_ pair: UInt64) {
        var at = Int(truncatingIfNeeded: pair >> 1) & mask
        while pairs[at] != 0 { at = (at + 1) & mask }
        pairs[at] = pair
    }

    private mutating func claim(_ campaign: IDKey, _ owner: IDKey, _ position: Int, _ isTouch: Bool) -> Claim? {
        var at = campaign.hash & mask
        while true {
            let slot = slots[at]
            if slot.campaign == campaign {
                if slot.owner == owner { return nil }
                return Claim(table: slot.isTouch ? .touches : .campaigns, position: slot.position)
            }
            if slot.campaign.high == 0 { break }
            at = (at + 1) & mask
        }
        slots[at] = Slot(campaign: campaign, owner: owner, position: position, isTouch: isTouch)
        count += 1
        if count * 2 > slots.count { grow() }
        return nil
    }

    private mutating func grow() {
        let old = slots
        slots = [Slot](repeating: Slot(), count: old.count * 2)
        mask = slots.count - 1
        let known = pairs
        pairs = [UInt64](repeating: 0, count: slots.count)
        for pair in known where pair != 0 { note(pair) }
        for slot in old where slot.campaign.high != 0 {
            var at = slot.campaign.hash & mask
            while slots[at].campaign.high != 0 { at = (at + 1) & mask }
            slots[at] = slot
        }
    }

    /// Takes over the claims of another part of the same file; positions of a contradiction, if there is one.
    mutating func merge(_ other: CampaignOwners) -> (first: Claim, second: Claim)? {
        for slot in other.slots where slot.campaign.high != 0 {
            if let first = claim(slot.campaign, slot.owner, slot.position, slot.isTouch) {
                return (first, Claim(table: slot.isTouch ? .touches : .campaigns, position: slot.position))
            }
        }
        return nil
    }
}
