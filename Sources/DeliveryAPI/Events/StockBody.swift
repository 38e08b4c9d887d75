import AdModel
import Store

/// A parsed `POST /v1/stock` body. One bad item refuses the call: the shop's system fixes it and sends all again,
/// which is harmless because versions decide.
struct StockBody {
    var location = ""
    var asOf: Timestamp
    var items: [StockDelta] = []

    private static let amounts: ClosedRange<Int64> = 0...StockStore.priceLimit

    init(_ json: inout JSONReader, now: Timestamp) throws(Problem) {
        asOf = now
        var seen = SeenFields()
        var first = try json.openObject("")
        while let key = try json.nextKey(&first) {
            if json.isText(key, "location") {
                try seen.once(0, "location")
                location = try json.wordText("location", limit: 64)
            } else if json.isText(key, "as_of") {
                try seen.once(1, "as_of")
                if !json.null() {
                    asOf = try json.instant("as_of")
                    guard asOf <= now + serverClockTolerance else {
                        throw Problem(
                            .invalidField, "This instant is more than 5 minutes ahead of our clock.", field: "as_of")
                    }
                }
            } else if json.isText(key, "items") {
                try seen.once(2, "items")
                var firstItem = try json.openArray("items")
                while try json.nextElement(&firstItem) {
                    guard items.count < Limits.stockBatch else {
                        throw Problem(.tooMany, "A call takes at most \(Limits.stockBatch) items.", field: "items")
                    }
                    items.append(try Self.item(&json, index: items.count))
                }
            } else {
                throw json.unknown(key, in: "")
            }
        }
        try json.end()
        try seen.require(0, "location")
        try seen.require(2, "items")
    }

    private static func item(_ json: inout JSONReader, index: Int) throws(Problem) -> StockDelta {
        var item = StockDelta(sku: "", quantity: 0, priceMicros: 0, version: 0)
        func path(_ name: String) -> String { "items[\(index)].\(name)" }
        var seen = SeenFields()
        var first = try json.openObject("items[\(index)]")
        while let key = try json.nextKey(&first) {
            if json.isText(key, "sku") {
                try seen.once(0, path("sku"))
                item.sku = try json.wordText(path("sku"), limit: Limits.sku)
            } else if json.isText(key, "quantity") {
                try seen.once(1, path("quantity"))
                item.quantity = Int32(try json.integer(path("quantity"), in: 0...Int64(Int32.max)))
            } else if json.isText(key, "price_micros") {
                try seen.once(2, path("price_micros"))
                item.priceMicros = try json.integer(path("price_micros"), in: amounts)
            } else if json.isText(key, "old_price_micros") {
                try seen.once(3, path("old_price_micros"))
                if !json.null() { item.oldPriceMicros = try json.integer(path("old_price_micros"), in: amounts) }
            } else if json.isText(key, "version") {
                try seen.once(4, path("version"))
                item.version = try json.integer(path("version"), in: 1...Int64.max)
            } else {
                throw json.unknown(key, in: "items[\(index)]")
            }
        }
        try seen.require(0, path("sku"))
        try seen.require(1, path("quantity"))
        try seen.require(2, path("price_micros"))
        try seen.require(4, path("version"))
        return item
    }
}
