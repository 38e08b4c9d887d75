import AdModel
import Measurement

/// Instants from a server may be this far ahead of our clock.
let serverClockTolerance = Timestamp.Span.minutes(5)

/// Bodies of the server-to-server calls, read into the records that the log takes.
enum OrderBodies {
    private static let amounts: ClosedRange<Int64> = 0...1_000_000_000_000_000
    private static let changes: ClosedRange<Int64> = -1_000_000_000_000_000...1_000_000_000_000_000

    /// `POST /v1/orders`.
    static func order(_ json: inout JSONReader, storefrontID: Int32, now: Timestamp) throws(Problem) -> OrderRecord {
        var order = OrderRecord(
            storefrontID: storefrontID, orderID: "", visitorID: nil, customerID: nil, channel: .online,
            orderedAt: now, receivedAt: now, lines: [])
        var seen = SeenFields()
        var first = try json.openObject("")
        while let key = try json.nextKey(&first) {
            if json.isText(key, "order_id") {
                try seen.once(0, "order_id")
                order.orderID = try json.callerIDText("order_id")
            } else if json.isText(key, "visitor_id") {
                try seen.once(1, "visitor_id")
                if !json.null() { order.visitorID = try json.callerIDText("visitor_id") }
            } else if json.isText(key, "customer_id") {
                try seen.once(2, "customer_id")
                if !json.null() { order.customerID = try json.callerIDText("customer_id") }
            } else if json.isText(key, "channel") {
                try seen.once(3, "channel")
                order.channel = try json.choice("channel")
            } else if json.isText(key, "ordered_at") {
                try seen.once(4, "ordered_at")
                order.orderedAt = try pastInstant(&json, "ordered_at", now: now)
            } else if json.isText(key, "lines") {
                try seen.once(5, "lines")
                try lines(&json, into: &order.lines)
            } else {
                throw json.unknown(key, in: "")
            }
        }
        try json.end()
        try seen.require(0, "order_id")
        try seen.require(3, "channel")
        try seen.require(4, "ordered_at")
        try seen.require(5, "lines")
        return order
    }

    private static func lines(_ json: inout JSONReader, into lines: inout [OrderRecord.Line]) throws(Problem) {
        var numbers: Set<Int32> = []
        var first = try json.openArray("lines")
        while try json.nextElement(&first) {
            let index = lines.count
            guard index < Limits.orderLines else {
                throw Problem(.tooMany, "An order takes at most \(Limits.orderLines) lines.", field: "lines")
            }
            let line = try line(&json, index: index)
            guard numbers.insert(line.lineNo).inserted else {
                throw Problem(
                    .duplicateField, "Every line needs its own number.", field: "lines[\(index)].line_no")
            }
            lines.append(line)
        }
        guard !lines.isEmpty else { throw Problem(.missingField, "An order has at least one line.", field: "lines") }
    }

    private static func line(_ json: inout JSONReader, index: Int) throws(Problem) -> OrderRecord.Line {
        var line = OrderRecord.Line(lineNo: Int32(index + 1), sku: "", units: 0, gross: .zero, net: .zero)
        func path(_ name: String) -> String { "lines[\(index)].\(name)" }
        var seen = SeenFields()
        var first = try json.openObject("lines[\(index)]")
        while let key = try json.nextKey(&first) {
            if json.isText(key, "line_no") {
                try seen.once(0, path("line_no"))
                line.lineNo = Int32(try json.integer(path("line_no"), in: 1...1_000_000))
            } else if json.isText(key, "sku") {
                try seen.once(1, path("sku"))
                line.sku = try json.wordText(path("sku"), limit: Limits.sku)
            } else if json.isText(key, "units") {
                try seen.once(2, path("units"))
                line.units = Int32(try json.integer(path("units"), in: 1...1_000_000))
            } else if json.isText(key, "gross_amount_micros") {
                try seen.once(3, path("gross_amount_micros"))
                line.gross = Micros(try json.integer(path("gross_amount_micros"), in: amounts))
            } else if json.isText(key, "net_amount_micros") {
                try seen.once(4, path("net_amount_micros"))
                line.net = Micros(try json.integer(path("net_amount_micros"), in: amounts))
            } else {
                throw json.unknown(key, in: "lines[\(index)]")
            }
        }
        try seen.require(1, path("sku"))
        try seen.require(2, path("units"))
        try seen.require(3, path("gross_amount_micros"))
        try seen.require(4, path("net_amount_micros"))
        return line
    }

    /// `POST /v1/orders/{id}/adjustments`.
    static func adjustment(
        _ json: inout JSONReader, orderID: String, storefrontID: Int32, now: Timestamp
    ) throws(Problem) -> AdjustmentRecord {
        var it = AdjustmentRecord(
            storefrontID: storefrontID, adjustmentID: "", orderID: orderID, lineNo: nil, kind: .cancel, units: nil,
            amount: nil, occurredAt: now, receivedAt: now)
        var seen = SeenFields()
        var first = try json.openObject("")
        while let key = try json.nextKey(&first) {
            if json.isText(key, "adjustment_id") {
                try seen.once(0, "adjustment_id")
                it.adjustmentID = try json.callerIDText("adjustment_id")
            } else if json.isText(key, "line_no") {
                try seen.once(1, "line_no")
                if !json.null() { it.lineNo = Int32(try json.integer("line_no", in: 1...1_000_000)) }
            } else if json.isText(key, "kind") {
                try seen.once(2, "kind")
                it.kind = try json.choice("kind")
            } else if json.isText(key, "units") {
                try seen.once(3, "units")
                if !json.null() { it.units = Int32(try json.integer("units", in: 0...1_000_000)) }
            } else if json.isText(key, "amount_micros") {
                try seen.once(4, "amount_micros")
                if !json.null() { it.amount = Micros(try json.integer("amount_micros", in: changes)) }
            } else if json.isText(key, "occurred_at") {
                try seen.once(5, "occurred_at")
                it.occurredAt = try pastInstant(&json, "occurred_at", now: now)
            } else {
                throw json.unknown(key, in: "")
            }
        }
        try json.end()
        try seen.require(0, "adjustment_id")
        try seen.require(2, "kind")
        try seen.require(5, "occurred_at")
        try checkKind(it)
        return it
    }

    /// What each kind must and must not say (rule 17 of the attribution rules).
    private static func checkKind(_ it: AdjustmentRecord) throws(Problem) {
        switch it.kind {
        case .price:
            if it.amount == nil {
                throw Problem(.missingField, "A price change says by how much.", field: "amount_micros")
            }
            if let units = it.units, units != 0 {
                throw Problem(.invalidField, "A price change moves no units.", field: "units")
            }
        case .cancel, .return:
            if let amount = it.amount, amount < .zero {
                throw Problem(.invalidField, "What is taken back is not negative.", field: "amount_micros")
            }
        }
        let isWholeOrder = it.kind == .cancel && it.units == nil && it.amount == nil
        if it.lineNo == nil, !isWholeOrder {
            throw Problem(
                .missingField, "Only a cancellation without units and amount may leave the line out.", field: "line_no")
        }
    }

    /// `POST /v1/links`.
    static func link(_ json: inout JSONReader, storefrontID: Int32, now: Timestamp) throws(Problem) -> LinkRecord {
        var link = LinkRecord(
            storefrontID: storefrontID, visitorID: "", customerID: "", linkedAt: now, receivedAt: now)
        var seen = SeenFields()
        var first = try json.openObject("")
        while let key = try json.nextKey(&first) {
            if json.isText(key, "visitor_id") {
                try seen.once(0, "visitor_id")
                link.visitorID = try json.callerIDText("visitor_id")
            } else if json.isText(key, "customer_id") {
                try seen.once(1, "customer_id")
                link.customerID = try json.callerIDText("customer_id")
            } else if json.isText(key, "linked_at") {
                try seen.once(2, "linked_at")
                link.linkedAt = try pastInstant(&json, "linked_at", now: now)
            } else {
                throw json.unknown(key, in: "")
            }
        }
        try json.end()
        try seen.require(0, "visitor_id")
        try seen.require(1, "customer_id")
        try seen.require(2, "linked_at")
        return link
    }

    private static func pastInstant(
        _ json: inout JSONReader, _ field: String, now: Timestamp
    ) throws(Problem) -> Timestamp {
        let instant = try json.instant(field)
        guard instant <= now + serverClockTolerance else {
            throw Problem(.invalidField, "This instant is more than 5 minutes ahead of our clock.", field: field)
        }
        return instant
    }
}
