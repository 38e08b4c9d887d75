import AdModel
import Measurement
import Testing

@Suite struct LogRecordCodecTests {
    @Test func anyRecordComesBackAsItWas() throws {
        for seed in UInt64(0)..<3_000 {
            var make = RecordMaker(random: SplitMix(seed))
            let record = make.record()
            var bytes: [UInt8] = []
            LogRecordCodec.encode(record, into: &bytes)
            #expect(try LogRecordCodec.decode(bytes) == record, "seed \(seed)")
        }
    }

    @Test func encodingAppends() throws {
        var make = RecordMaker(random: SplitMix(7))
        var bytes: [UInt8] = [1, 2, 3]
        let record = make.record()
        LogRecordCodec.encode(record, into: &bytes)
        #expect(Array(bytes.prefix(3)) == [1, 2, 3])
        #expect(try LogRecordCodec.decode(Array(bytes.dropFirst(3))) == record)
    }

    @Test func theWriterOfDecisionsWritesTheSameBytes() throws {
        let writer = DecisionRecordWriter()
        for seed in UInt64(0)..<500 {
            var make = RecordMaker(random: SplitMix(seed))
            var record = make.decision()
            // The writer always says what the page was about.
            record.context = record.context ?? .init()
            record.prediction = record.prediction ?? .init(hour: 0, isKnown: false)
            record.detail = record.detail ?? .init()
            var expected: [UInt8] = []
            LogRecordCodec.encode(.decision(record), into: &expected)
            write(record, with: writer)
            writer.withBytes { #expect(Array($0) == expected, "seed \(seed)") }
        }
    }

    @Test func theWriterLeavesOutWhatPassesTheLimitsOfADecision() throws {
        let writer = DecisionRecordWriter()
        let ad = DecisionRecord.Ad(
            lineItemID: 1, creativeVersionID: 2, priceMicros: 3, score: 4, productIDs: Array(0..<40))
        let loser = DecisionRecord.Candidate(lineItemID: 1, reason: 2, score: 3)
        let slot = DecisionRecord.Slot(
            placementID: 1, noFill: 0, ads: Array(repeating: ad, count: 30), losers: Array(repeating: loser, count: 30))
        let record = DecisionRecord(
            id: DecisionID(issuedAt: Timestamp(micros: 1), low: 2), storefrontID: 1, pageType: .home,
            visitorID: String(repeating: "v", count: CallerID.limit), locationID: 1, device: .tv, snapshotVersion: 1,
            stockVersion: 1, slots: Array(repeating: slot, count: 30))
        write(record, with: writer)
        let decoded = try writer.withBytes { try LogRecordCodec.decode($0) }
        guard case .decision(let kept) = decoded else {
            Issue.record("not a decision")
            return
        }
        #expect(kept.slots.count == Limits.slots)
        #expect(kept.slots.allSatisfy { $0.ads.count == Limits.adsPerSlot && $0.losers.count == 8 })
        #expect(kept.slots.allSatisfy { $0.ads.allSatisfy { $0.productIDs == Array(0..<16) } })
    }

    @Test func randomBytesOnlyThrow() {
        var random = SplitMix(11)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<200, using: &random)
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            // Half of them get past the first two bytes.
            if count >= 2, Bool.random(using: &random) {
                bytes[0] = UInt8.random(in: 1...7, using: &random)
                bytes[1] = LogRecordCodec.version
            }
            if let record = try? LogRecordCodec.decode(bytes) {
                var again: [UInt8] = []
                LogRecordCodec.encode(record, into: &again)
                #expect(again == bytes)
            }
        }
    }

    @Test func damagedRecordsThrowOrAreOtherRecords() {
        for seed in UInt64(0)..<200 {
            var make = RecordMaker(random: SplitMix(seed))
            var bytes: [UInt8] = []
            LogRecordCodec.encode(make.record(), into: &bytes)
            for cut in [0, 1, 2, bytes.count / 2, bytes.count - 1] where cut < bytes.count {
                #expect(throws: LogRecordError.self, "seed \(seed) cut \(cut)") {
                    try LogRecordCodec.decode(Array(bytes.prefix(cut)))
                }
            }
            #expect(throws: LogRecordError.self) { try LogRecordCodec.decode(bytes + [0]) }
            for _ in 0..<40 {
                var flipped = bytes
                flipped[Int.random(in: 0..<bytes.count, using: &make.random)] ^=
                    1 << UInt8.random(in: 0..<8, using: &make.random)
                _ = try? LogRecordCodec.decode(flipped)
            }
        }
    }

    @Test func aCountThatTheBytesCannotHoldIsRefusedBeforeMemoryIsTaken() {
        // An order of 65,535 lines in 40 bytes.
        var bytes: [UInt8] = []
        let order = OrderRecord(
            storefrontID: 1, orderID: "o", visitorID: nil, customerID: nil, channel: .online,
            orderedAt: Timestamp(micros: 0), receivedAt: Timestamp(micros: 0), lines: [])
        LogRecordCodec.encode(.order(order), into: &bytes)
        bytes[23] = 0xFF
        bytes[24] = 0xFF
        #expect(throws: LogRecordError.truncated) { try LogRecordCodec.decode(bytes) }
    }

    @Test func newerFormatsAndUnknownKindsAreNamed() {
        #expect(throws: LogRecordError.unsupportedVersion(2)) { try LogRecordCodec.decode([1, 2, 0, 0]) }
        #expect(throws: LogRecordError.unknownKind(99)) { try LogRecordCodec.decode([99, 1]) }
        #expect(throws: LogRecordError.truncated) { try LogRecordCodec.decode([]) }
        #expect([UInt8](arrayLiteral: 4, 1).withUnsafeBytes { LogRecordCodec.kind(of: $0) } == .order)
    }

    @Test func wordsKeepTheirNumbersInWrittenLogs() throws {
        // A link and an order as version 1 writes them: whoever changes these bytes breaks logs on disk.
        var link: [UInt8] = []
        LogRecordCodec.encode(
            .link(
                LinkRecord(
                    storefrontID: 1, visitorID: "v", customerID: "c", linkedAt: Timestamp(micros: 2),
                    receivedAt: Timestamp(micros: 3))), into: &link)
        #expect(
            link == [6, 1, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0x76, 1, 0, 0x63])
        for (number, kind) in SignalKind.allCases.enumerated() {
            var bytes: [UInt8] = []
            LogRecordCodec.encode(
                .signal(
                    SignalRecord(
                        storefrontID: 0, kind: kind, clientID: nil, visitorID: nil, customerID: nil, sku: nil,
                        categoryCode: nil, phrase: nil, occurredAt: Timestamp(micros: 0),
                        receivedAt: Timestamp(micros: 0))), into: &bytes)
            #expect(Int(bytes[22]) == number)
        }
    }

    private func write(_ record: DecisionRecord, with writer: DecisionRecordWriter) {
        Array((record.visitorID ?? "").utf8).withUnsafeBytes { visitor in
            writer.begin(
                id: record.id, storefrontID: record.storefrontID, pageType: record.pageType, visitor: visitor,
                locationID: record.locationID, device: record.device, snapshotVersion: record.snapshotVersion,
                stockVersion: record.stockVersion, categoryID: record.context?.categoryID ?? 0,
                brandID: record.context?.brandID ?? 0,
                region: (record.context?.region ?? "").utf8.enumerated().reduce(0) { code, byte in
                    code | UInt64(byte.element) << (8 * byte.offset)
                }, prediction: record.prediction ?? .init(hour: 0, isKnown: false),
                productID: record.detail?.productID ?? 0)
        }
        writer.page(
            phrase: Array((record.detail?.phrase ?? "").utf8)[...], isSignedIn: record.detail?.isSignedIn,
            isNew: record.detail?.isNew)
        for id in record.detail?.audienceIDs ?? [] { writer.audience(id) }
        for it in record.detail?.stopped ?? [] {
            writer.stopped(lineItemID: it.lineItemID, reason: it.reason, slots: it.slots)
        }
        for slot in record.slots {
            writer.slot(placementID: slot.placementID, noFill: slot.noFill)
            for it in slot.reasons { writer.reason(it.reason, count: Int32(it.count)) }
            for ad in slot.ads {
                writer.ad(
                    lineItemID: ad.lineItemID, creativeVersionID: ad.creativeVersionID, priceMicros: ad.priceMicros,
                    score: ad.score, parts: ad.parts)
                for id in ad.productIDs { writer.product(id) }
            }
            for loser in slot.losers {
                writer.loser(lineItemID: loser.lineItemID, reason: loser.reason, score: loser.score, parts: loser.parts)
            }
        }
    }
}
