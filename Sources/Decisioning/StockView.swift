import AdModel

/// One stock row as the database has it.
public struct StockRow: Sendable {
    public var locationID: Int32
    public var productID: Int32
    public var quantity: Int32
    public var price: Micros
    public var oldPrice: Micros?
    public var asOf: Timestamp

    public init(
        locationID: Int32, productID: Int32, quantity: Int32, price: Micros, oldPrice: Micros? = nil, asOf: Timestamp
    ) {
        self.locationID = locationID
        self.productID = productID
        self.quantity = quantity
        self.price = price
        self.oldPrice = oldPrice
        self.asOf = asOf
    }
}

/// What can be bought where, of the promoted products. Immutable and swapped as a whole, apart from the snapshot
/// whose indices it uses; a change copies only the locations that it touches.
public struct StockView: Sendable {
    /// Number of the last stock change that is in it.
    public let version: Int64
    private let locations: ContiguousArray<LocationStock>
    private let maxAgeSeconds: Int64

    /// One location's stock, in memory of its own that `here` lends to decisions.
    final class LocationStock: Sendable {
        let count: Int
        /// Seconds since the epoch for which the stock is known; 0 = not to be bought. By product index.
        nonisolated(unsafe) let asOf: UnsafePointer<UInt32>
        nonisolated(unsafe) let prices: UnsafePointer<Int64>
        nonisolated(unsafe) let oldPrices: UnsafePointer<Int64>
        /// A bit per product: whether it is in stock. And the oldest figure of each word's products that are.
        nonisolated(unsafe) let bits: UnsafePointer<UInt64>
        nonisolated(unsafe) let oldest: UnsafePointer<UInt32>

        // The pointers are unsafe to the compiler alone: nothing is written after `init`.
        init(asOf: ContiguousArray<UInt32>, prices: ContiguousArray<Int64>, oldPrices: ContiguousArray<Int64>) {
            let words = (asOf.count + 63) / 64
            var bits = ContiguousArray<UInt64>(repeating: 0, count: words)
            var oldest = ContiguousArray<UInt32>(repeating: .max, count: words)
            for (product, seconds) in asOf.enumerated() where seconds != 0 {
                bits[product >> 6] |= 1 << UInt64(product & 63)
                oldest[product >> 6] = min(oldest[product >> 6], seconds)
            }
            count = asOf.count
            self.asOf = Self.kept(asOf)
            self.prices = Self.kept(prices)
            self.oldPrices = Self.kept(oldPrices)
            self.bits = Self.kept(bits)
            self.oldest = Self.kept(oldest)
        }

        private static func kept<Value: BitwiseCopyable>(_ values: ContiguousArray<Value>) -> UnsafePointer<Value> {
            let memory = UnsafeMutablePointer<Value>.allocate(capacity: max(values.count, 1))
            values.withUnsafeBufferPointer { values in
                if let base = values.baseAddress { memory.initialize(from: base, count: values.count) }
            }
            return UnsafePointer(memory)
        }

        deinit {
            asOf.deallocate()
            prices.deallocate()
            oldPrices.deallocate()
            bits.deallocate()
            oldest.deallocate()
        }

        var here: Here {
            Here(asOf: asOf, prices: prices, oldPrices: oldPrices, bits: bits, oldest: oldest, count: count)
        }

        /// Copies of the three lists.
        func lists() -> (
            asOf: ContiguousArray<UInt32>, prices: ContiguousArray<Int64>, oldPrices: ContiguousArray<Int64>
        ) {
            (
                ContiguousArray(UnsafeBufferPointer(start: asOf, count: count)),
                ContiguousArray(UnsafeBufferPointer(start: prices, count: count)),
                ContiguousArray(UnsafeBufferPointer(start: oldPrices, count: count))
            )
        }
    }

    /// One location's stock as plain addresses, good for as long as the view is held: a decision asks a hundred times,
    /// and a reference would have to be counted every time.
    struct Here {
        fileprivate let asOf: UnsafePointer<UInt32>
        fileprivate let prices: UnsafePointer<Int64>
        fileprivate let oldPrices: UnsafePointer<Int64>
        fileprivate let bits: UnsafePointer<UInt64>
        fileprivate let oldest: UnsafePointer<UInt32>
        let count: Int

        /// Told by a bit and a word's age as long as nothing near it is stale: a thirtieth of the memory of all ages.
        @inline(__always)
        func availability(_ product: Int, freshSince: Int64) -> Availability {
            guard product >= 0, product < count else { return .absent }
            if bits[product &>> 6] &>> UInt64(product & 63) & 1 == 0 { return .absent }
            if Int64(oldest[product &>> 6]) >= freshSince { return .buyable }
            return Int64(asOf[product]) < freshSince ? .stale : .buyable
        }

        /// 0 = unknown.
        @inline(__always)
        func price(_ product: Int) -> Int64 { product >= 0 && product < count ? prices[product] : 0 }

        /// 0 = none.
        @inline(__always)
        func oldPrice(_ product: Int) -> Int64 { product >= 0 && product < count ? oldPrices[product] : 0 }
    }

    /// Whether a product can be bought.
    public enum Availability: Sendable { case buyable, stale, absent }

    /// Nothing can be bought anywhere.
    public static var empty: StockView { StockView(version: 0, locations: [], maxAgeSeconds: 0) }

    private init(version: Int64, locations: ContiguousArray<LocationStock>, maxAgeSeconds: Int64) {
        self.version = version
        self.locations = locations
        self.maxAgeSeconds = maxAgeSeconds
    }

    /// Rows of products that the snapshot does not promote, or of unknown locations, are left out.
    public init(snapshot: Snapshot, version: Int64, rows: some Sequence<StockRow>) {
        let empty = LocationStock(asOf: [], prices: [], oldPrices: [])
        let none = StockView(
            version: version, locations: ContiguousArray(repeating: empty, count: snapshot.locations.count),
            maxAgeSeconds: snapshot.stockMaxAge.micros / 1_000_000)
        self = none.applying(rows, snapshot: snapshot, version: version)
    }

    /// The view after some rows changed.
    public func applying(_ rows: some Sequence<StockRow>, snapshot: Snapshot, version: Int64) -> StockView {
        var locations = locations
        var changed: [Int: [StockRow]] = [:]
        for row in rows {
            let location = snapshot.lookup.locationByID.find(row.locationID)
            guard location >= 0, Int(location) < locations.count else { continue }
            changed[Int(location), default: []].append(row)
        }
        for (location, rows) in changed {
            let old = locations[location]
            let missing = snapshot.stockedCount - old.count
            var (asOf, prices, oldPrices) = old.lists()
            asOf.append(contentsOf: repeatElement(0, count: missing))
            prices.append(contentsOf: repeatElement(0, count: missing))
            oldPrices.append(contentsOf: repeatElement(0, count: missing))
            for row in rows {
                let product = Int(snapshot.stockPlace(snapshot.lookup.productByID.find(row.productID)))
                guard product >= 0 else { continue }
                let seconds = min(max(row.asOf.micros / 1_000_000, 1), Int64(UInt32.max))
                asOf[product] = row.quantity > 0 ? UInt32(seconds) : 0
                prices[product] = row.price.value
                oldPrices[product] = row.oldPrice?.value ?? 0
            }
            locations[location] = LocationStock(asOf: asOf, prices: prices, oldPrices: oldPrices)
        }
        return StockView(version: version, locations: locations, maxAgeSeconds: maxAgeSeconds)
    }

    /// The same stock in the numbering of another snapshot. Locations that only the other one has are empty.
    public func moved(from old: Snapshot, to new: Snapshot) -> StockView {
        var oldLocations: [Int32: Int] = [:]
        for (index, location) in old.locations.enumerated() where index < locations.count {
            oldLocations[location.id] = index
        }
        var places: [Int] = []
        places.reserveCapacity(new.stockedCount)
        for index in new.products.indices {
            guard new.stockPlace(Int32(index)) >= 0 else { continue }
            places.append(Int(old.stockPlace(old.lookup.productByID.find(new.products[index].id))))
        }
        let moved = new.locations.map { location -> LocationStock in
            guard let index = oldLocations[location.id] else {
                return LocationStock(asOf: [], prices: [], oldPrices: [])
            }
            let stock = locations[index]
            func pick<Value: FixedWidthInteger>(_ values: UnsafePointer<Value>) -> ContiguousArray<Value> {
                ContiguousArray(places.map { $0 >= 0 && $0 < stock.count ? values[$0] : 0 })
            }
            return LocationStock(
                asOf: pick(stock.asOf), prices: pick(stock.prices), oldPrices: pick(stock.oldPrices))
        }
        return StockView(
            version: version, locations: ContiguousArray(moved),
            maxAgeSeconds: new.stockMaxAge.micros / 1_000_000)
    }

    /// Whether a product (by `Snapshot.stockPlace`) can be bought in a location (by index) at `now`.
    public func availability(_ product: Int32, location: Int32, now: Timestamp) -> Availability {
        guard location >= 0, Int(location) < locations.count else { return .absent }
        return locations[Int(location)].here.availability(Int(product), freshSince: freshSince(now))
    }

    /// Stock of one location (by index), for a decision that asks many times; nil when it is unknown.
    func here(_ location: Int32) -> Here? {
        location >= 0 && Int(location) < locations.count ? locations[Int(location)].here : nil
    }

    /// Second of the epoch before which figures are stale.
    func freshSince(_ now: Timestamp) -> Int64 { now.micros / 1_000_000 - maxAgeSeconds }

    /// Shelf price and old price (0 = none) of a product (by `Snapshot.stockPlace`) in a location (by index); 0 when
    /// unknown.
    public func price(_ product: Int32, location: Int32) -> (price: Int64, oldPrice: Int64) {
        guard location >= 0, Int(location) < locations.count else { return (0, 0) }
        let here = locations[Int(location)].here
        return (here.price(Int(product)), here.oldPrice(Int(product)))
    }
}
