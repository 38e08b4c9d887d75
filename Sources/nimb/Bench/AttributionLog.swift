import AdModel
import EventLog
import Foundation
import Measurement

/// The touches and orders of the attribution benchmark as this node's event log would hold them.
struct AttributionLog {
    /// Folder of the CSV files; the log is written to `log/` in it.
    let folder: String

    var exists: Bool { FileManager.default.fileExists(atPath: "\(folder)/log.done") }

    /// Writes both in order of time.
    func write() throws {
        try? FileManager.default.removeItem(atPath: "\(folder)/log")
        let log = try EventLog(directory: "\(folder)/log", nodeID: 1)
        defer { log.close() }
        var sink = Sink(log: log)
        let touches = try Rows("\(folder)/touches.csv")
        let lines = try Rows("\(folder)/lines.csv")
        var touch = touches.next()
        var line = lines.next()
        var order: OrderRecord?
        while touch != nil || line != nil {
            if let t = touch, line.map({ t.number(2) <= $0.number(3) }) ?? true {
                try sink.add(.adEvent(event(t)))
                touch = touches.next()
                continue
            }
            guard let l = line else { break }
            if let known = order, known.orderID != l.text(0) {
                try sink.add(.order(known))
                order = nil
            }
            var record = order ?? self.order(l)
            record.lines.append(
                .init(
                    lineNo: Int32(l.number(1)), sku: l.text(5), units: Int32(l.number(6)), gross: Micros(l.number(7)),
                    net: Micros(l.number(7))))
            order = record
            line = lines.next()
        }
        if let order { try sink.add(.order(order)) }
        try sink.flush()
        try Data().write(to: URL(fileURLWithPath: "\(folder)/log.done"))
    }

    private func event(_ row: Rows.Row) -> AdEventRecord {
        let at = Timestamp(micros: row.number(2))
        let isClick = row.text(3) == "click"
        let token = AdToken(
            decisionID: DecisionID(issuedAt: at, low: UInt64(row.tail(0))), storefrontID: 1, placementID: 1,
            lineItemID: Int32(row.tail(6)), campaignID: Int32(row.tail(5)), advertiserID: Int32(row.tail(4)),
            creativeVersionID: Int32(row.tail(6)), ad: 0, position: 0, pricing: .cpm, price: Micros(500_000),
            shopperHash: 0, productIDs: [Int32(row.tail(7))])
        return AdEventRecord(
            kind: isClick ? .click : .viewable, token: token, card: -1, visitorID: row.text(1), eventTime: at,
            receivedAt: at, invalid: nil)
    }

    private func order(_ row: Rows.Row) -> OrderRecord {
        let at = Timestamp(micros: row.number(3))
        return OrderRecord(
            storefrontID: 1, orderID: row.text(0), visitorID: row.text(2), customerID: nil, channel: .online,
            orderedAt: at, receivedAt: at, lines: [])
    }

    /// Appends in batches, each durable before the next.
    private struct Sink {
        let log: EventLog
        var batch = LogBatch()
        var bytes: [UInt8] = []

        mutating func add(_ record: LogRecord) throws {
            bytes.removeAll(keepingCapacity: true)
            LogRecordCodec.encode(record, into: &bytes)
            batch.add(bytes)
            if batch.byteCount > 1 << 20 { try flush() }
        }

        mutating func flush() throws {
            let done = DispatchSemaphore(value: 0)
            try log.append(batch) { _ in done.signal() }
            done.wait()
            batch.removeAll()
        }
    }

    /// Rows of a generated file, which quotes nothing.
    private final class Rows {
        struct Row {
            let bytes: ArraySlice<UInt8>
            let cells: [Range<Int>]

            func text(_ column: Int) -> String { String(decoding: bytes[cells[column]], as: UTF8.self) }
            func number(_ column: Int) -> Int64 { digits(bytes[cells[column]]) }
            /// The number behind the one letter of a code.
            func tail(_ column: Int) -> Int64 { digits(bytes[cells[column]].dropFirst()) }
            private func digits(_ text: ArraySlice<UInt8>) -> Int64 {
                text.reduce(0) { $0 * 10 + Int64($1 &- 0x30) }
            }
        }

        private let file: MappedFile
        private var at: Int

        init(_ path: String) throws {
            file = try MappedFile(path)
            at = (file.bytes.firstIndex(of: 0x0A) ?? file.bytes.count) + 1
        }

        func next() -> Row? {
            guard at < file.bytes.count else { return nil }
            var end = at
            while end < file.bytes.count, file.bytes[end] != 0x0A { end += 1 }
            let bytes = Array(file.bytes[at..<end])
            at = end + 1
            var cells: [Range<Int>] = []
            var start = 0
            for i in 0...bytes.count where i == bytes.count || bytes[i] == 0x2C {
                cells.append(start..<i)
                start = i + 1
            }
            return Row(bytes: bytes[...], cells: cells)
        }
    }
}
