import AdModel

/// An audience as it is stored.
public struct AudienceDefinition: Hashable, Sendable {
    /// Database id.
    public var id: Int32
    /// Whose it is; nil = the retailer's. An advertiser's audience counts his own ads only.
    public var advertiserID: Int32?
    public var condition: AudienceCondition

    public init(id: Int32, advertiserID: Int32? = nil, condition: AudienceCondition) {
        self.id = id
        self.advertiserID = advertiserID
        self.condition = condition
    }
}

/// Events that are counted for some audience; equal ones are counted once.
public struct CountedAtom: Hashable, Sendable {
    public var events: CountedEvents
    /// Advertiser whose ads alone count; 0 = everybody's.
    public var ownerID: Int32
}

/// All audiences, made ready to be evaluated: what is counted (atoms), what is asked of the counts (leaves), and how
/// the answers combine (a program per audience).
public final class AudienceBook: Sendable {
    /// Audiences of one installation.
    public static let audienceLimit = 512
    /// Distinct counted events of all audiences together: as many as those can name.
    public static let atomLimit = audienceLimit * AudienceCondition.leafLimit

    struct Leaf: Sendable {
        /// Index of the atom; -1 = a cohort.
        var atom: Int32
        var did = true
        var from: Int32 = 0
        var to: Int32 = .max
        var period = AudiencePeriod.always
        /// Bits by position in `allCases`; a cohort's.
        var recency: UInt8 = 0
        var value: UInt8 = 0
    }

    enum Step: Sendable {
        case leaf(Int32)
        case all(Int32)
        case any(Int32)
        case not
    }

    public let definitions: [AudienceDefinition]
    /// Database ids of `definitions`.
    public let ids: ContiguousArray<Int32>
    public let thresholds: RFMThresholds
    public let atoms: [CountedAtom]
    /// Leaves of one atom stand together; those of cohorts last.
    let leaves: ContiguousArray<Leaf>
    let leavesOfAtom: ContiguousArray<Range<Int32>>
    let steps: ContiguousArray<Step>
    /// Range of `steps`, by audience.
    let programs: ContiguousArray<Range<Int32>>
    private let filters: [EventFilter]
    private let atomsOfType: [[UInt16]]
    let needsBuyer: Bool

    /// - Parameter filter: the filters of an atom in database ids.
    public init(
        _ definitions: [AudienceDefinition], thresholds: RFMThresholds = RFMThresholds(),
        filter: (CountedAtom) throws -> EventFilter
    ) rethrows {
        var compiler = Compiler()
        for definition in definitions { compiler.add(definition) }
        let compiled = compiler.finish()
        self.definitions = definitions
        ids = ContiguousArray(definitions.map(\.id))
        self.thresholds = thresholds
        atoms = compiler.atoms
        leaves = compiled.leaves
        leavesOfAtom = compiled.leavesOfAtom
        steps = compiled.steps
        programs = compiler.programs
        filters = try atoms.map(filter)
        var byType = [[UInt16]](repeating: [], count: AudienceEventType.allCases.count)
        for (index, atom) in atoms.enumerated() { byType[atom.events.type.index].append(UInt16(index)) }
        atomsOfType = byType
        needsBuyer = leaves.contains { $0.atom < 0 }
    }

    public var isEmpty: Bool { definitions.isEmpty }

    /// Atoms that an event counts for.
    public func atoms(of event: AudienceEvent) -> [UInt16] {
        let candidates = atomsOfType[event.type.index]
        return candidates.isEmpty ? [] : candidates.filter { filters[Int($0)].passes(event) }
    }

    public func filter(ofAtom index: Int) -> EventFilter { filters[index] }

    /// First day that any condition on the atom asks for, seen from `today`.
    public func firstDay(ofAtom index: Int, today: Int32) -> Int32 {
        leavesOfAtom[index].map { leaves[Int($0)].period.days(today: today).first }.min() ?? .max
    }

    private struct Compiler {
        var atoms: [CountedAtom] = []
        private var numbers: [CountedAtom: Int32] = [:]
        private var leaves: [Leaf] = []
        private var steps: ContiguousArray<Step> = []
        var programs: ContiguousArray<Range<Int32>> = []

        mutating func add(_ definition: AudienceDefinition) {
            let start = Int32(steps.count)
            add(definition.condition, owner: definition.advertiserID ?? 0)
            programs.append(start..<Int32(steps.count))
        }

        private mutating func add(_ condition: AudienceCondition, owner: Int32) {
            switch condition {
            case .all(let list):
                for inner in list { add(inner, owner: owner) }
                steps.append(.all(Int32(list.count)))
            case .any(let list):
                for inner in list { add(inner, owner: owner) }
                steps.append(.any(Int32(list.count)))
            case .not(let inner):
                add(inner, owner: owner)
                steps.append(.not)
            case .event(let event):
                steps.append(.leaf(Int32(leaves.count)))
                leaves.append(
                    Leaf(
                        atom: number(CountedAtom(events: event.events, ownerID: event.events.type.isAd ? owner : 0)),
                        did: event.did, from: event.from, to: event.to ?? .max, period: event.period))
            case .cohort(let cohort):
                steps.append(.leaf(Int32(leaves.count)))
                var leaf = Leaf(atom: -1)
                for word in cohort.recency { leaf.recency |= 1 << UInt8(Recency.allCases.firstIndex(of: word) ?? 0) }
                for word in cohort.value { leaf.value |= 1 << UInt8(BuyerValue.allCases.firstIndex(of: word) ?? 0) }
                leaves.append(leaf)
            }
        }

        private mutating func number(_ atom: CountedAtom) -> Int32 {
            if let known = numbers[atom] { return known }
            precondition(atoms.count < AudienceBook.atomLimit, "more audiences than the store takes")
            numbers[atom] = Int32(atoms.count)
            atoms.append(atom)
            return Int32(atoms.count - 1)
        }

        /// Numbers the leaves anew, those of one atom side by side.
        func finish() -> (
            leaves: ContiguousArray<Leaf>, leavesOfAtom: ContiguousArray<Range<Int32>>, steps: ContiguousArray<Step>
        ) {
            let order = leaves.indices.sorted {
                let (a, b) = (leaves[$0].atom, leaves[$1].atom)
                return a == b ? $0 < $1 : b < 0 ? a >= 0 : a >= 0 && a < b
            }
            var place = [Int32](repeating: 0, count: leaves.count)
            for (new, old) in order.enumerated() { place[old] = Int32(new) }
            let sorted = ContiguousArray(order.map { leaves[$0] })
            var ranges = ContiguousArray<Range<Int32>>(repeating: 0..<0, count: atoms.count)
            for (index, leaf) in sorted.enumerated() where leaf.atom >= 0 {
                let range = ranges[Int(leaf.atom)]
                let start = range.isEmpty ? Int32(index) : range.lowerBound
                ranges[Int(leaf.atom)] = start..<Int32(index + 1)
            }
            let renumbered = ContiguousArray(
                steps.map { (step: Step) -> Step in
                    if case .leaf(let leaf) = step { return .leaf(place[Int(leaf)]) }
                    return step
                })
            return (sorted, ranges, renumbered)
        }
    }
}
