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
    final class LocationStock: @unchecked Sendable {
        // Unchecked: written by `init` alone.
        /// Seconds since the epoch for which the stock is known; 0 = not to be bought. By product index.
        let asOf: UnsafeMutableBufferPointer<UInt32>
        let prices: UnsafeMutableBufferPointer<Int64>
        let oldPrices: UnsafeMutableBufferPointer<Int64>

        init(asOf: ContiguousArray<UInt32>, prices: ContiguousArray<Int64>, oldPrices: ContiguousArray<Int64>) {
            func kept<Value: BitwiseCopyable>(_ values: ContiguousArray<Value>) -> UnsafeMutableBufferPointer<Value> {
                let memory = UnsafeMutableBufferPointer<Value>.allocate(capacity: values.count)
                _ = memory.initialize(from: values)
                return memory
            }
            self.asOf = kept(asOf)
            self.prices = kept(prices)
            self.oldPrices = kept(oldPrices)
        }

        deinit {
            asOf.deallocate()
            prices.deallocate()
            oldPrices.deallocate()
        }

        var here: Here {
            Here(
                asOf: UnsafePointer(asOf.baseAddress), prices: UnsafePointer(prices.baseAddress),
                oldPrices: UnsafePointer(oldPrices.baseAddress), count: asOf.count)
        }
    }

    /// One location's stock as plain addresses, good for as long as the view is held: a decision asks a hundred times,
    /// and a reference would have to be counted every time.
    struct Here {
        fileprivate let asOf: UnsafePointer<UInt32>?
        fileprivate let prices: UnsafePointer<Int64>?
        fileprivate let oldPrices: UnsafePointer<Int64>?
        let count: Int

        @inline(__always)
        func availability(_ product: Int, freshSince: Int64) -> Availability {
            guard product >= 0, product < count, let asOf else { return .absent }
            let seconds = asOf[product]
            if seconds == 0 { return .absent }
            return Int64(seconds) < freshSince ? .stale : .buyable
        }

        /// 0 = unknown.
        @inline(__always)
        func price(_ product: Int) -> Int64 {
            guard product >= 0, product < count, let prices else { return 0 }
            return prices[product]
        }

        /// 0 = none.
        @inline(__always)
        func oldPrice(_ product: Int) -> Int64 {
            guard product >= 0, product < count, let oldPrices else { return 0 }
            return oldPrices[product]
        }
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
            let missing = snapshot.stockedCount - old.asOf.count
            var asOf = ContiguousArray(old.asOf) + ContiguousArray(repeating: 0, count: missing)
            var prices = ContiguousArray(old.prices) + ContiguousArray(repeating: 0, count: missing)
            var oldPrices = ContiguousArray(old.oldPrices) + ContiguousArray(repeating: 0, count: missing)
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
            func pick<Value: FixedWidthInteger>(_ values: UnsafeMutableBufferPointer<Value>) -> ContiguousArray<Value> {
                ContiguousArray(places.map { $0 >= 0 && $0 < values.count ? values[$0] : 0 })
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
        let stock = locations[Int(location)]
        guard product >= 0, Int(product) < stock.asOf.count else { return (0, 0) }
        return (stock.prices[Int(product)], stock.oldPrices[Int(product)])
    }
}
