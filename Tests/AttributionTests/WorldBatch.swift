import AdModel
import Attribution

/// A run over rows that lie in memory as bytes. The record of a touch is its place in the world's list.
struct WorldBatch {
    private let world: World
    private let bytes: [Int: Held]

    /// Bytes of one touch's ids, at an address of their own for as long as this value lives.
    private final class Held: Sendable {
        nonisolated(unsafe) let memory: UnsafeMutablePointer<UInt8>
        let ends: [Int]

        init(_ parts: [[UInt8]]) {
            memory = .allocate(capacity: max(1, parts.reduce(0) { $0 + $1.count }))
            var ends: [Int] = []
            var at = 0
            for part in parts {
                for byte in part {
                    memory[at] = byte
                    at += 1
                }
                ends.append(at)
            }
            self.ends = ends
        }

        deinit { memory.deallocate() }

        subscript(_ part: Int) -> UnsafeBufferPointer<UInt8> {
            let start = part == 0 ? 0 : ends[part - 1]
            return UnsafeBufferPointer(start: memory + start, count: ends[part] - start)
        }
    }

    init(_ world: World) {
        self.world = world
        bytes = Dictionary(
            uniqueKeysWithValues: world.touches.enumerated().map { i, t in
                let promoted = t.promotedSKUs.map(\.text).joined(separator: "|")
                return (
                    i,
                    Held([
                        t.touchID.bytes, t.advertiserID.bytes, t.campaignID.bytes, t.lineItemID.bytes,
                        Array(promoted.utf8), t.shopperID.bytes,
                    ])
                )
            })
    }

    func run(_ policy: AttributionPolicy, parts: Int) throws -> [UInt8] {
        var orders = AttributionBatch.Orders(try world.reference(), expectedLines: world.lines.count)
        for link in world.links { orders.add(link) }
        for line in world.lines {
            let held = Held([line.orderID.bytes, line.shopperID.bytes, line.sku.bytes])
            try withExtendedLifetime(held) {
                try orders.add(
                    AttributionBatch.Line(
                        orderID: held[0], number: line.lineNumber, shopperID: held[1],
                        orderedAt: line.orderedAt.micros, isOnline: line.channel == .online, sku: held[2],
                        units: line.units, netMicros: line.netAmountMicros))
            }
        }
        for adjustment in world.adjustments { try orders.add(adjustment) }
        let batch = try AttributionBatch(orders, policy: policy)
        let bytes = bytes
        var feeds = (0..<parts).map { _ in
            batch.feed { record in
                let held = bytes[record.loadUnaligned(as: Int.self)]
                func text(_ part: Int) -> UnsafeBufferPointer<UInt8> { held?[part] ?? .init(start: nil, count: 0) }
                return TouchFeed.Texts(
                    touchID: text(0), advertiserID: text(1), campaignID: text(2), lineItemID: text(3),
                    promotedSKUs: text(4))
            }
        }
        let places = Array(world.touches.indices)
        places.withUnsafeBytes { raw in
            for part in 0..<parts {
                feeds[part].offer(to: batch) { add in
                    for i in places where i % parts == part {
                        guard let shopper = bytes[i]?[5] else { continue }
                        let size = MemoryLayout<Int>.size
                        add(
                            world.touches[i].occurredAt.micros, world.touches[i].kind == .click, shopper,
                            UnsafeRawBufferPointer(rebasing: raw[(i * size)..<((i + 1) * size)]))
                    }
                }
            }
        }
        return batch.finish(feeds).csv
    }
}
