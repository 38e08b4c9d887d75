import AdModel

/// One page's question, in the indices of the snapshot it will be asked of. Reusable: `clear` keeps the memory.
public struct DecisionRequest: Sendable {
    public struct Slot: Sendable {
        /// Placement index.
        public var placement: Int32
        /// Ads wanted at most; 0 = what the placement allows.
        public var count: Int32

        public init(placement: Int32, count: Int32 = 0) {
            self.placement = placement
            self.count = count
        }
    }

    public var pageType: PageType = .other
    public var device: Device = .other
    /// Location index, -1 = unknown: then nothing can be bought.
    public var location: Int32 = -1
    /// Region index, -1 = unknown.
    public var region: Int32 = -1
    /// Minute of the week in the storefront's zone, 0 = Monday 00:00 ... 10,079.
    public var minuteOfWeek: Int32 = 0
    /// Key of the shopper's profile; 0 = unknown or without consent: no profile is read or written.
    public var shopper: UInt64 = 0
    /// Category indices of the page; their ancestors are found by the decision.
    public var categories: ContiguousArray<Int32> = []
    /// Brand indices of the page.
    public var brands: ContiguousArray<Int32> = []
    /// Product indices of the page; a known product adds its categories and brand.
    public var products: ContiguousArray<Int32> = []
    /// Audiences (by index) that the shopper is in; empty without consent.
    public var audiences: ContiguousArray<Int32> = []
    /// Words of the page's search phrase, by `Snapshot.word`; one that no line item knows is -1.
    public var words: ContiguousArray<Int32> = []
    /// Attributes that line items are aimed at by name: products and the shop's keys, by `Snapshot.attribute`.
    public var attributes: ContiguousArray<Int32> = []
    /// Whether the shopper is signed in; nil = not known, as without consent.
    public var isSignedIn: Bool?
    /// In the caller's order, at most `Limits.slots`.
    public var slots: ContiguousArray<Slot> = []
    /// Whether it is the shopper's first session, where no profile tells: for decisions that are asked again.
    public var isNew: Bool?
    /// False when another node counts the shopper's frequency caps: then nothing that is capped is served.
    public var countsCaps = true
    /// Line item indices that alone may compete, for explanations; empty = all. Only the exhaustive search heeds it.
    public var among: ContiguousArray<Int32> = []

    public init() {}

    /// Ready for the next page, without giving memory back.
    public mutating func clear() {
        pageType = .other
        device = .other
        location = -1
        region = -1
        minuteOfWeek = 0
        shopper = 0
        categories.removeAll(keepingCapacity: true)
        brands.removeAll(keepingCapacity: true)
        products.removeAll(keepingCapacity: true)
        audiences.removeAll(keepingCapacity: true)
        words.removeAll(keepingCapacity: true)
        attributes.removeAll(keepingCapacity: true)
        isSignedIn = nil
        countsCaps = true
        isNew = nil
        slots.removeAll(keepingCapacity: true)
        among.removeAll(keepingCapacity: true)
    }
}
