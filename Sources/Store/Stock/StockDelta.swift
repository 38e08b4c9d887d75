import AdModel

/// What a shop says about one product in one location.
public struct StockDelta: Sendable, Equatable {
    public var sku: String
    /// Pieces; 0 = cannot be bought.
    public var quantity: Int32
    /// Shelf price, VAT-inclusive, micro-roubles.
    public var priceMicros: Int64
    public var oldPriceMicros: Int64?
    /// The shop's own version of this row: starts at 1 or higher and grows with every change.
    public var version: Int64

    public init(sku: String, quantity: Int32, priceMicros: Int64, oldPriceMicros: Int64? = nil, version: Int64) {
        self.sku = sku
        self.quantity = quantity
        self.priceMicros = priceMicros
        self.oldPriceMicros = oldPriceMicros
        self.version = version
    }

    /// The first thing that is wrong with the values, as (field, reason); nil when they are fine.
    public var problem: (field: String, reason: String)? {
        if sku.isEmpty || sku.utf8.count > Limits.sku || sku.utf8.contains(0) {
            return ("sku", "must have 1 to \(Limits.sku) bytes")
        }
        if quantity < 0 { return ("quantity", "must not be negative") }
        if priceMicros < 0 || priceMicros > StockStore.priceLimit {
            return ("price_micros", "must be from 0 to \(StockStore.priceLimit)")
        }
        if let old = oldPriceMicros, old < 0 || old > StockStore.priceLimit {
            return ("old_price_micros", "must be from 0 to \(StockStore.priceLimit)")
        }
        if version < 1 { return ("version", "must be at least 1") }
        return nil
    }
}

/// What became of one delta.
public enum StockOutcome: UInt8, Sendable, CaseIterable {
    /// Stored.
    case applied
    /// Its version is not higher than the stored one: an answer that was overtaken, or a retry.
    case stale
    /// The catalogue has no such SKU.
    case unknownSKU
    /// A later delta of the same batch speaks of the same SKU with a version at least as high.
    case superseded

    /// Stable name in answers and metrics.
    public var name: String {
        switch self {
        case .applied: "applied"
        case .stale: "stale"
        case .unknownSKU: "unknown_sku"
        case .superseded: "superseded"
        }
    }
}

/// What became of a batch.
public struct StockResult: Sendable, Equatable {
    /// In the order of the batch.
    public var outcomes: [StockOutcome]
    /// `control_version('stock')` that carries the change; nil when nothing was stored.
    public var changeNumber: Int64?

    public init(outcomes: [StockOutcome], changeNumber: Int64?) {
        self.outcomes = outcomes
        self.changeNumber = changeNumber
    }

    public func count(_ outcome: StockOutcome) -> Int { outcomes.count { $0 == outcome } }
}

/// Why a batch was refused as a whole; nothing was stored.
public enum StockError: Error, Sendable, Equatable, CustomStringConvertible {
    case unknownLocation(String)
    case tooMany(Int)
    /// Index in the batch, field, reason.
    case invalid(index: Int, field: String, reason: String)

    /// Stable code.
    public var code: String {
        switch self {
        case .unknownLocation: "unknown_location"
        case .tooMany: "too_many_items"
        case .invalid: "invalid_stock_item"
        }
    }
    public var isRetryable: Bool { false }

    public var description: String {
        switch self {
        case .unknownLocation(let code): "there is no stock location “\(code)”"
        case .tooMany(let count):
            "\(count) items in one call; at most \(Limits.stockBatch) are accepted, send several calls"
        case .invalid(let index, let field, let reason): "items[\(index)].\(field) \(reason)"
        }
    }
}
