import AdModel

/// One event of a batch as its sender wrote it, or why it cannot be read.
struct ParsedEvent {
    /// `impression`, `product_view`, ...; the word `unknown` when it could not be read.
    var type = "unknown"
    var adKind: AdEventKind?
    var signal: SignalKind?
    var token = ""
    var card: Int8 = -1
    var occurredAt: Timestamp?
    var clientID: String?
    var visitorID: String?
    var customer: String?
    /// nil when the event does not say.
    var consent: Bool?
    var sku: String?
    var category: String?
    var query: String?
    var problem: Problem?
}

/// A parsed `POST /v1/events` body. A bad event spoils only itself; broken JSON spoils the batch.
struct EventsBody {
    var storefront = ""
    var events: [ParsedEvent] = []

    init(_ json: inout JSONReader) throws(Problem) {
        var seen = SeenFields()
        var first = try json.openObject("")
        while let key = try json.nextKey(&first) {
            if json.isText(key, "storefront") {
                try seen.once(0, "storefront")
                storefront = try json.wordText("storefront", limit: 64)
            } else if json.isText(key, "events") {
                try seen.once(1, "events")
                var firstEvent = try json.openArray("events")
                while try json.nextElement(&firstEvent) {
                    guard events.count < Limits.eventBatch else {
                        throw Problem(
                            .tooMany, "A batch takes at most \(Limits.eventBatch) events.", field: "events")
                    }
                    events.append(try Self.event(&json, index: events.count))
                }
            } else {
                throw json.unknown(key, in: "")
            }
        }
        try json.end()
        try seen.require(0, "storefront")
        try seen.require(1, "events")
    }

    private static func event(_ json: inout JSONReader, index: Int) throws(Problem) -> ParsedEvent {
        let mark = json.mark
        var event = ParsedEvent()
        do throws(Problem) {
            try read(&event, &json, "events[\(index)]")
        } catch {
            // What is not JSON cannot be skipped safely, so it ends the whole batch.
            guard error.code != .invalidJSON else { throw error }
            json.rewind(to: mark)
            try json.skipValue()
            event.problem = error
        }
        return event
    }

    private static func read(
        _ event: inout ParsedEvent, _ json: inout JSONReader, _ path: @autoclosure () -> String
    ) throws(Problem) {
        var seen = SeenFields()
        var first = try json.openObject(path())
        while let key = try json.nextKey(&first) {
            if json.isText(key, "type") {
                try seen.once(0, path() + ".type")
                try readType(&event, &json, path() + ".type")
            } else if json.isText(key, "token") {
                try seen.once(1, path() + ".token")
                event.token = try json.phraseText(path() + ".token", limit: 512)
            } else if json.isText(key, "card") {
                try seen.once(2, path() + ".card")
                if !json.null() {
                    event.card = Int8(try json.integer(path() + ".card", in: 0...Int64(Limits.adsPerSlot - 1)))
                }
            } else if json.isText(key, "occurred_at") {
                try seen.once(3, path() + ".occurred_at")
                if !json.null() { event.occurredAt = try json.instant(path() + ".occurred_at") }
            } else if json.isText(key, "id") {
                try seen.once(4, path() + ".id")
                if !json.null() { event.clientID = try json.callerIDText(path() + ".id") }
            } else if json.isText(key, "visitor_id") {
                try seen.once(5, path() + ".visitor_id")
                if !json.null() { event.visitorID = try json.callerIDText(path() + ".visitor_id") }
            } else if json.isText(key, "customer") {
                try seen.once(6, path() + ".customer")
                if !json.null() { event.customer = try json.wordText(path() + ".customer", limit: 256) }
            } else if json.isText(key, "consent") {
                try seen.once(7, path() + ".consent")
                event.consent = try json.bool(path() + ".consent")
            } else if json.isText(key, "sku") {
                try seen.once(8, path() + ".sku")
                if !json.null() { event.sku = try json.wordText(path() + ".sku", limit: Limits.sku) }
            } else if json.isText(key, "category") {
                try seen.once(9, path() + ".category")
                if !json.null() { event.category = try json.wordText(path() + ".category", limit: 64) }
            } else if json.isText(key, "query") {
                try seen.once(10, path() + ".query")
                // As long as the body may be: it is masked before it is cut, or the cut could hide a number.
                if !json.null() { event.query = try json.phraseText(path() + ".query", limit: Limits.requestBody) }
            } else {
                throw json.unknown(key, in: path())
            }
        }
        try seen.require(0, path() + ".type")
        if event.adKind != nil {
            try seen.require(1, path() + ".token")
            for (bit, name) in [(6, "customer"), (8, "sku"), (9, "category"), (10, "query")] where seen.has(bit) {
                throw Problem(.unknownField, "An ad event does not have this field.", field: path() + "." + name)
            }
        } else {
            for (bit, name) in [(1, "token"), (2, "card")] where seen.has(bit) {
                throw Problem(.unknownField, "A signal does not have this field.", field: path() + "." + name)
            }
            try requireSubject(event, path())
        }
    }

    /// A signal must say what it is about.
    private static func requireSubject(_ event: ParsedEvent, _ path: String) throws(Problem) {
        switch event.signal {
        case .productView, .addToCart, .removeFromCart, .addToFavourites:
            if event.sku == nil { throw Problem(.missingField, "This signal needs an SKU.", field: path + ".sku") }
        case .categoryView:
            if event.category == nil {
                throw Problem(.missingField, "This signal needs a category.", field: path + ".category")
            }
        case .search:
            if event.query == nil {
                throw Problem(.missingField, "This signal needs the phrase.", field: path + ".query")
            }
        case .pageView, .order, nil: break
        }
    }

    private static func readType(
        _ event: inout ParsedEvent, _ json: inout JSONReader, _ field: @autoclosure () -> String
    ) throws(Problem) {
        let word = try json.stringText(field())
        if let kind = AdEventKind.allCases.first(where: { $0.name == word }) {
            event.adKind = kind
        } else if let signal = SignalKind(rawValue: word) {
            event.signal = signal
        } else {
            let list = AdEventKind.allCases.map(\.name) + SignalKind.allCases.map(\.rawValue)
            throw Problem(.invalidField, "Expected one of: \(list.joined(separator: ", ")).", field: field())
        }
        event.type = word
    }
}
