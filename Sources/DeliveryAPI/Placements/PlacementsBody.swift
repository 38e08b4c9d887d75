import AdModel
import Decisioning

/// A parsed `POST /v1/placements` body: slices into the reader's arena, nothing looked up yet. Reused per loop.
struct PlacementsBody {
    struct Slot {
        var name = TextSlice()
        /// Placement code; the slot's name when left out.
        var placement = TextSlice()
        /// 0 = as many as the placement takes.
        var count = 0
    }

    var storefront = TextSlice()
    var pageType = PageType.other
    var category = TextSlice()
    var brand = TextSlice()
    var product = TextSlice()
    var query = TextSlice()
    /// The shop's own keys of the page, with one value each; a key may come several times.
    var keys: [(key: TextSlice, value: TextSlice)] = []
    var slots: [Slot] = []
    var visitor = TextSlice()
    var customer = TextSlice()
    var consent = false
    var signedIn: Bool?
    var device: Device?
    var location = TextSlice()
    var region = TextSlice()
    var html = false
    /// Signed parameter of a preview; empty for all but a few requests.
    var preview = TextSlice()

    init() {
        slots.reserveCapacity(Limits.slots)
        keys.reserveCapacity(Limits.pageKeys)
    }

    /// Whether the page says anything in words.
    var hasWords: Bool { !query.isEmpty || !keys.isEmpty }

    /// Ready for the next body, without giving memory back.
    mutating func reset() {
        storefront = TextSlice()
        pageType = .other
        category = TextSlice()
        brand = TextSlice()
        product = TextSlice()
        query = TextSlice()
        keys.removeAll(keepingCapacity: true)
        slots.removeAll(keepingCapacity: true)
        visitor = TextSlice()
        customer = TextSlice()
        consent = false
        signedIn = nil
        device = nil
        location = TextSlice()
        region = TextSlice()
        html = false
        preview = TextSlice()
    }

    /// Reads the whole document.
    mutating func read(_ json: inout JSONReader) throws(Problem) {
        var seen = SeenFields()
        var first = try json.openObject("")
        while let key = try json.nextKey(&first) {
            if json.isText(key, "storefront") {
                try seen.once(0, "storefront")
                storefront = try json.word("storefront", limit: 64)
            } else if json.isText(key, "page") {
                try seen.once(1, "page")
                try readPage(&json)
            } else if json.isText(key, "slots") {
                try seen.once(2, "slots")
                try readSlots(&json)
            } else if json.isText(key, "shopper") {
                try seen.once(3, "shopper")
                try readShopper(&json)
            } else if json.isText(key, "location") {
                try seen.once(4, "location")
                if !json.null() { location = try json.word("location", limit: 64) }
            } else if json.isText(key, "region") {
                try seen.once(5, "region")
                if !json.null() { region = try json.word("region", limit: 16) }
            } else if json.isText(key, "html") {
                try seen.once(6, "html")
                html = try json.bool("html")
            } else if json.isText(key, "preview") {
                try seen.once(7, "preview")
                if !json.null() { preview = try json.word("preview", limit: 128) }
            } else {
                throw json.unknown(key, in: "")
            }
        }
        try json.end()
        try seen.require(0, "storefront")
        try seen.require(1, "page")
        try seen.require(2, "slots")
    }

    private mutating func readPage(_ json: inout JSONReader) throws(Problem) {
        var seen = SeenFields()
        var first = try json.openObject("page")
        while let key = try json.nextKey(&first) {
            if json.isText(key, "type") {
                try seen.once(0, "page.type")
                pageType = try json.choice("page.type")
            } else if json.isText(key, "category") {
                try seen.once(1, "page.category")
                if !json.null() { category = try json.word("page.category", limit: 64) }
            } else if json.isText(key, "brand") {
                try seen.once(2, "page.brand")
                if !json.null() { brand = try json.word("page.brand", limit: 255) }
            } else if json.isText(key, "product") {
                try seen.once(3, "page.product")
                if !json.null() { product = try json.word("page.product", limit: Limits.sku) }
            } else if json.isText(key, "query") {
                try seen.once(4, "page.query")
                if !json.null() { query = try json.phraseCut("page.query", limit: Limits.phraseBytes) }
            } else if json.isText(key, "keys") {
                try seen.once(5, "page.keys")
                if !json.null() { try readKeys(&json) }
            } else {
                throw json.unknown(key, in: "page")
            }
        }
        try seen.require(0, "page.type")
    }

    private mutating func readKeys(_ json: inout JSONReader) throws(Problem) {
        var first = try json.openObject("page.keys")
        while let key = try json.nextKey(&first) {
            guard TargetingKey.isKey(json.text[key.range]) else {
                throw Problem(
                    .invalidField, "A key is 1 to 32 characters out of a-z 0-9 _ . -", field: "page.keys")
            }
            for known in keys where json.isSame(known.key, key) {
                throw Problem(.duplicateField, "Give the key once.", field: "page.keys")
            }
            if !json.isArray() {
                try add(try json.word("page.keys", limit: 64), of: key)
                continue
            }
            var firstValue = try json.openArray("page.keys")
            while try json.nextElement(&firstValue) {
                try add(try json.word("page.keys", limit: 64), of: key)
            }
        }
    }

    private mutating func add(_ value: TextSlice, of key: TextSlice) throws(Problem) {
        guard keys.count < Limits.pageKeys else {
            throw Problem(.tooMany, "A page may have at most \(Limits.pageKeys) values of keys.", field: "page.keys")
        }
        keys.append((key, value))
    }

    private mutating func readSlots(_ json: inout JSONReader) throws(Problem) {
        var first = try json.openArray("slots")
        while try json.nextElement(&first) {
            guard slots.count < Limits.slots else {
                throw Problem(.tooMany, "A page may ask for at most \(Limits.slots) slots.", field: "slots")
            }
            let index = slots.count
            var slot = Slot()
            var seen = SeenFields()
            var firstKey = try json.openObject("slots[\(index)]")
            while let key = try json.nextKey(&firstKey) {
                if json.isText(key, "name") {
                    try seen.once(0, "slots[\(index)].name")
                    slot.name = try json.echoedName("slots[\(index)].name")
                } else if json.isText(key, "placement") {
                    try seen.once(1, "slots[\(index)].placement")
                    if !json.null() { slot.placement = try json.word("slots[\(index)].placement", limit: 64) }
                } else if json.isText(key, "count") {
                    try seen.once(2, "slots[\(index)].count")
                    slot.count = Int(try json.integer("slots[\(index)].count", in: 1...Int64(Limits.adsPerSlot)))
                } else {
                    throw json.unknown(key, in: "slots[\(index)]")
                }
            }
            try seen.require(0, "slots[\(index)].name")
            if slot.placement.isEmpty { slot.placement = slot.name }
            for other in slots where json.isSame(other.name, slot.name) {
                throw Problem(.duplicateField, "Every slot needs its own name.", field: "slots[\(index)].name")
            }
            slots.append(slot)
        }
        guard !slots.isEmpty else { throw Problem(.missingField, "Ask for at least one slot.", field: "slots") }
    }

    private mutating func readShopper(_ json: inout JSONReader) throws(Problem) {
        if json.null() { return }
        var seen = SeenFields()
        var first = try json.openObject("shopper")
        while let key = try json.nextKey(&first) {
            if json.isText(key, "visitor_id") {
                try seen.once(0, "shopper.visitor_id")
                if !json.null() { visitor = try json.callerID("shopper.visitor_id") }
            } else if json.isText(key, "customer") {
                try seen.once(1, "shopper.customer")
                if !json.null() { customer = try json.word("shopper.customer", limit: 256) }
            } else if json.isText(key, "consent") {
                try seen.once(2, "shopper.consent")
                consent = try json.bool("shopper.consent")
            } else if json.isText(key, "device") {
                try seen.once(3, "shopper.device")
                if !json.null() { device = try json.choice("shopper.device") as Device }
            } else if json.isText(key, "signed_in") {
                try seen.once(4, "shopper.signed_in")
                if !json.null() { signedIn = try json.bool("shopper.signed_in") }
            } else {
                throw json.unknown(key, in: "shopper")
            }
        }
    }
}
