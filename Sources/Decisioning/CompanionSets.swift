/// Line items that are shown on a page together or not at all: those of one campaign.
struct CompanionSets: Sendable {
    private let byCampaign: IDTable
    private let starts: ContiguousArray<Int32>
    /// Line item indices, set by set.
    private let members: ContiguousArray<Int32>

    /// - Parameter lines: indices of the line items of each campaign.
    init(_ lines: [Int32: [Int32]]) {
        let ordered = lines.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
        byCampaign = IDTable(ordered.map(\.key))
        var starts: ContiguousArray<Int32> = [0]
        var members: ContiguousArray<Int32> = []
        for (_, lines) in ordered {
            members.append(contentsOf: lines.sorted())
            starts.append(Int32(members.count))
        }
        self.starts = starts
        self.members = members
    }

    var count: Int { starts.count - 1 }

    /// Set of a campaign, -1 = it has none.
    @inline(__always)
    func set(ofCampaign id: Int32) -> Int32 { byCampaign.find(id) }

    /// Range of a set in `line`.
    @inline(__always)
    func range(_ set: Int32) -> Range<Int> { Int(starts[Int(set)])..<Int(starts[Int(set) + 1]) }

    /// Line item index.
    @inline(__always)
    func line(_ place: Int) -> Int32 { members[place] }

    /// By campaign, to go on from.
    func lines(campaign: (Int32) -> Int32) -> [Int32: [Int32]] {
        var lines: [Int32: [Int32]] = [:]
        for member in members { lines[campaign(member), default: []].append(member) }
        return lines
    }
}
