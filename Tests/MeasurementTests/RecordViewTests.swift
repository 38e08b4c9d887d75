import AdModel
import Measurement
import Testing

@Suite struct RecordViewTests {
    @Test func aViewReadsWhatDecodingReads() throws {
        var maker = RecordMaker(random: SplitMix(0x51E3))
        var events = 0
        var orders = 0
        for _ in 0..<20_000 {
            let record = maker.record()
            var bytes: [UInt8] = []
            LogRecordCodec.encode(record, into: &bytes)
            try bytes.withUnsafeBytes { raw in
                guard case .adEvent(let event) = record else {
                    #expect(AdEventView(raw) == nil)
                    return
                }
                let view = try #require(AdEventView(raw))
                #expect(view.kind == event.kind && view.card == event.card && view.ad == event.token.ad)
                #expect(view.isValid == (event.invalid == nil) && view.eventTime == event.eventTime.micros)
                #expect(view.decisionID == event.token.decisionID && view.lineItemID == event.token.lineItemID)
                #expect(view.campaignID == event.token.campaignID && view.advertiserID == event.token.advertiserID)
                #expect((0..<view.productCount).map(view.productID) == event.token.productIDs)
                #expect(Array(view.visitorID) == Array((event.visitorID ?? "").utf8))
                events += 1
            }
            try bytes.withUnsafeBytes { raw in
                guard case .order(let order) = record else {
                    #expect(throws: LogRecordError.self) { try OrderView(raw) }
                    return
                }
                let view = try OrderView(raw)
                #expect(view.orderedAt == order.orderedAt.micros && view.storefrontID == order.storefrontID)
                #expect(view.channel == order.channel && Array(view.orderID) == Array(order.orderID.utf8))
                #expect(Array(view.visitorID) == Array((order.visitorID ?? "").utf8))
                #expect(Array(view.customerID) == Array((order.customerID ?? "").utf8))
                var lines: [OrderRecord.Line] = []
                try view.forEachLine { line in
                    let known = order.lines[lines.count]
                    #expect(Array(line.sku) == Array(known.sku.utf8) && line.netMicros == known.net.value)
                    #expect(line.lineNo == known.lineNo && line.units == known.units)
                    lines.append(known)
                }
                #expect(lines == order.lines)
                orders += 1
            }
        }
        #expect(events > 500 && orders > 500)
    }

    @Test func cutAndRandomBytesAreNoView() {
        var maker = RecordMaker(random: SplitMix(0x51E4))
        for _ in 0..<5_000 {
            var bytes: [UInt8] = []
            LogRecordCodec.encode(maker.record(), into: &bytes)
            bytes.removeLast(Int.random(in: 1...bytes.count, using: &maker.random))
            bytes.withUnsafeBytes { raw in
                if let view = AdEventView(raw) { #expect(view.visitorID.isEmpty) }
                if let order = try? OrderView(raw) {
                    #expect(throws: LogRecordError.self) { try order.forEachLine { _ in } }
                }
            }
            let noise = (0..<bytes.count).map { _ in UInt8.random(in: 0...7, using: &maker.random) }
            noise.withUnsafeBytes { raw in
                if let view = AdEventView(raw) { #expect(view.visitorID.count < raw.count) }
                if let order = try? OrderView(raw) { try? order.forEachLine { _ in } }
            }
        }
    }
}
