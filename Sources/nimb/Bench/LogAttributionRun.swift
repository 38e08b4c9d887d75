import AdModel
import Attribution
import EventLog
import Foundation
import Glibc
import Measurement
import Synchronization

/// Attribution of everything in an event log, read where it lies: what a worker would do without a database.
///
/// The log speaks of database ids, the tables beside it of codes; here the code of id 7 is `p7`, `c7`, `a7` or `l7`.
struct LogAttributionRun: Sendable {
    /// Folder of `log/` and of the small tables as CSV.
    let folder: String
    let threads: Int

    func outcome() async throws -> AttributionJob.Outcome {
        let segments = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/log")
            .filter { $0.hasSuffix(".log") }.sorted().map { try MappedFile("\(folder)/log/\($0)") }
        async let orders = orders(in: segments)
        let batch = try collect(try await orders, try reference())
        let turn = Turn(segments.count)
        let feeds = await withTaskGroup(of: TouchFeed.self) { group in
            for _ in 0..<threads {
                group.addTask {
                    let codes = TouchCodes()
                    var feed = batch.feed { codes.texts(of: $0) }
                    while let at = turn.next() { offer(segments[at], to: batch, &feed) }
                    return feed
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        return batch.finish(feeds)
    }

    private func offer(_ segment: MappedFile, to batch: AttributionBatch, _ feed: inout TouchFeed) {
        // Its header was read in the first walk.
        guard let records = try? SegmentRecords(segment.bytes) else { return }
        feed.offer(to: batch) { add in
            records.forEachChecked { bytes in
                guard let event = AdEventView(bytes), event.isValid, !event.visitorID.isEmpty, let kind = event.kind,
                    kind != .impression
                else { return }
                add(event.eventTime, kind == .click, event.visitorID, bytes)
            }
        }
    }

    /// Walks every segment, checks each record, and finds the orders, in the order of the log.
    private func orders(in segments: [MappedFile]) async throws -> [[BorrowedBytes]] {
        let turn = Turn(segments.count)
        return try await withThrowingTaskGroup(of: [(Int, [BorrowedBytes])].self) { group in
            for _ in 0..<threads {
                group.addTask {
                    var found: [(Int, [BorrowedBytes])] = []
                    while let at = turn.next() {
                        var orders: [BorrowedBytes] = []
                        try SegmentRecords(segments[at].bytes).forEach { bytes in
                            if LogRecordCodec.kind(of: bytes) == .order { orders.append(BorrowedBytes(bytes)) }
                        }
                        found.append((at, orders))
                    }
                    return found
                }
            }
            var result = [[BorrowedBytes]](repeating: [], count: segments.count)
            for try await part in group {
                for (at, orders) in part { result[at] = orders }
            }
            return result
        }
    }

    private func collect(
        _ orders: [[BorrowedBytes]], _ reference: AttributionReference
    ) throws -> AttributionBatch {
        var collected = AttributionBatch.Orders(reference, expectedLines: orders.reduce(0) { $0 + $1.count } * 3)
        for place in orders.joined() {
            let order = try OrderView(place.bytes)
            let shopper = order.customerID.isEmpty ? order.visitorID : order.customerID
            try order.forEachLine { line in
                try collected.add(
                    AttributionBatch.Line(
                        orderID: order.orderID, number: Int64(line.lineNo), shopperID: shopper,
                        orderedAt: order.orderedAt, isOnline: order.channel == .online, sku: line.sku,
                        units: Int64(line.units), netMicros: line.netMicros))
            }
        }
        return try AttributionBatch(collected, policy: .default)
    }

    private func reference() throws -> AttributionReference {
        try AttributionReference(
            products: rows("products").map { ProductRow(sku: $0[0], brandID: $0[2]) },
            campaigns: rows("campaigns").map {
                CampaignVersionRow(campaignID: $0[0], advertiserID: $0[1], brandIDs: [$0[2]])
            },
            grants: rows("grants").map { BrandGrantRow(advertiserID: $0[0], brandID: $0[1]) })
    }

    /// Cells of a generated table, which quotes nothing.
    private func rows(_ table: String) throws -> [[AttributionID]] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(table).csv"))).split(separator: 0x0A).dropFirst()
            .map { $0.split(separator: 0x2C, omittingEmptySubsequences: false).map { AttributionID(Array($0)) } }
    }
}

/// Numbers 0 ..< count, each given once to whoever asks.
private final class Turn: Sendable {
    private let count: Int
    private let taken = Atomic(0)

    init(_ count: Int) { self.count = count }

    func next() -> Int? {
        let at = taken.wrappingAdd(1, ordering: .relaxed).oldValue
        return at < count ? at : nil
    }
}

/// Writes the codes of a touch's record; one a thread.
///
/// Unchecked: its bytes are written by the one task that holds its feed.
private final class TouchCodes: @unchecked Sendable {
    private static let size = 4_096
    private let scratch = UnsafeMutablePointer<UInt8>.allocate(capacity: TouchCodes.size)
    private var end = 0

    deinit { scratch.deallocate() }

    func texts(of record: UnsafeRawBufferPointer) -> TouchFeed.Texts {
        end = 0
        guard let event = AdEventView(record) else {
            let none = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
            return TouchFeed.Texts(
                touchID: none, advertiserID: none, campaignID: none, lineItemID: none, promotedSKUs: none)
        }
        let touch = code {
            let id = event.decisionID
            hex(UInt64(bitPattern: id.issuedAt.micros))
            hex(id.low)
            put(".")
            number(Int(event.ad))
            put(event.kind == .click ? ".c" : ".v")
            if event.card >= 0 {
                put(".")
                number(Int(event.card))
            }
        }
        let shown = Int(event.card)
        return TouchFeed.Texts(
            touchID: touch, advertiserID: code("a", event.advertiserID), campaignID: code("c", event.campaignID),
            lineItemID: code("l", event.lineItemID),
            promotedSKUs: code {
                // The card that was seen, else everything the ad showed.
                let cards = shown >= 0 && shown < event.productCount ? shown..<(shown + 1) : 0..<event.productCount
                for card in cards {
                    if card > cards.lowerBound { put("|") }
                    put("p")
                    number(Int(event.productID(card)))
                }
            })
    }

    private func code(_ prefix: StaticString, _ id: Int32) -> UnsafeBufferPointer<UInt8> {
        code {
            put(prefix)
            number(Int(id))
        }
    }

    private func code(_ write: () -> Void) -> UnsafeBufferPointer<UInt8> {
        let start = end
        write()
        return UnsafeBufferPointer(start: scratch + start, count: end - start)
    }

    private func put(_ text: StaticString) {
        for i in 0..<text.utf8CodeUnitCount { byte(text.utf8Start[i]) }
    }

    private func byte(_ value: UInt8) {
        // At most 255 products of 12 bytes; a record with more than fit loses the rest.
        guard end < TouchCodes.size else { return }
        scratch[end] = value
        end += 1
    }

    private func hex(_ value: UInt64) {
        for shift in stride(from: UInt64(60), through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: value &>> shift & 15)
            byte(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
    }

    private func number(_ value: Int) {
        if value >= 10 { number(value / 10) }
        byte(UInt8(truncatingIfNeeded: value % 10) + 0x30)
    }
}
