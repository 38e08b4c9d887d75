import AdModel
import DeliveryAPI
import Foundation
import Measurement
import Postgres
import Store
import Telemetry
import TestKit
import Testing

@Suite("Orders, adjustments, links and stock", .blocking) struct OrderTests {
    static let key = ["Authorization": "Bearer \(EdgeWorld.serverKey)"]

    static func records(_ file: TestLog) throws -> [LogRecord] {
        try file.records().filter { if case .refused = $0 { false } else { true } }
    }

    @Test func anOrderNeedsAServerKey() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            for key in ["", "Bearer", "Bearer nk_shop_wrongwrongwrongwrongwrongwrongwrong", "Basic abc"] {
                let answer = try connection.post("/v1/orders", EdgeWorld.order(), headers: ["Authorization": key])
                #expect(answer.status == 401)
                #expect(answer.code == "unauthorized")
                #expect(answer.header("www-authenticate") == "Bearer")
            }
            world.clock.advance(.days(31))
            #expect(try connection.post("/v1/orders", EdgeWorld.order(), headers: Self.key).status == 401, "expired")
            #expect(world.sink.batched == 0)
        }
    }

    @Test func theSameOrderIsADuplicateAndAnotherUnderItsIdAConflict() async throws {
        let file = try TestLog()
        let world = try EdgeWorld(log: file.log)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            func send(_ body: String) throws -> String? {
                let answer = try connection.post("/v1/orders", body, headers: Self.key)
                return answer.string("status") ?? answer.code
            }
            #expect(try send(EdgeWorld.order()) == "accepted")
            world.clock.advance(.seconds(5))
            #expect(try send(EdgeWorld.order()) == "duplicate", "the time of receipt is not content")
            #expect(try send(EdgeWorld.order(units: 2)) == "order_conflict")
            #expect(try send(EdgeWorld.order("o2")) == "accepted")
            let stored = try Self.records(file)
            #expect(stored.count == 2)
            guard case .order(let order) = try #require(stored.first) else {
                throw RawConnection.Failure(description: "no order")
            }
            #expect(order.orderID == "o1")
            #expect(order.storefrontID == 1)
            #expect(order.lines == [.init(lineNo: 1, sku: "p1", units: 1, gross: Micros(100), net: Micros(80))])
            #expect(try file.refusals().map(\.reason) == ["order_conflict"])
        }
    }

    @Test func whatTheLedgerKnowsIsNotTakenAgain() async throws {
        let known = ClientContent.hash(
            OrderRecord(
                storefrontID: 1, orderID: "o1", visitorID: "v1", customerID: nil, channel: .online,
                orderedAt: EdgeWorld.start, receivedAt: EdgeWorld.start,
                lines: [.init(lineNo: 1, sku: "p1", units: 1, gross: Micros(100), net: Micros(80))]))
        var backend = DeliveryBackend()
        backend.contentHash = { storefront, kind, id in
            if id == "away" { throw PostgresError(.cannotConnect, "no") }
            return storefront == 1 && kind == "order" && id == "o1" ? known : nil
        }
        let world = try EdgeWorld(backend: backend)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            func send(_ body: String) throws -> String? {
                let answer = try connection.post("/v1/orders", body, headers: Self.key)
                return answer.string("status") ?? answer.code
            }
            #expect(try send(EdgeWorld.order(units: 2)) == "order_conflict")
            #expect(try send(EdgeWorld.order()) == "duplicate")
            #expect(try send(EdgeWorld.order("new")) == "accepted")
            #expect(try send(EdgeWorld.order("away")) == "accepted", "without the database the ledger decides")
            #expect(world.metrics.render().contains("nimb_edge_database_failures_total 1"))
        }
    }

    @Test func nothingIsKeptOfAnOrderThatTheLogRefuses() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            for (mode, code) in [(TestSink.Mode.full, "log_full"), (.failing, "log_unavailable")] {
                world.sink.mode = mode
                let answer = try connection.post("/v1/orders", EdgeWorld.order(), headers: Self.key)
                #expect(answer.code == code)
                #expect(answer.header("retry-after") != nil)
            }
            world.sink.mode = .immediate
            let answer = try connection.post("/v1/orders", EdgeWorld.order(), headers: Self.key)
            #expect(answer.string("status") == "accepted")
        }
    }

    @Test(arguments: [
        (#""order_id":"o1""#, #""order_id":"a@b""#, "personal_data", "order_id"),
        (#""channel":"online""#, #""channel":"mail""#, "invalid_field", "channel"),
        (#""units":1"#, #""units":0"#, "invalid_field", "lines[0].units"),
        (#""units":1"#, #""units":1.5"#, "invalid_field", "lines[0].units"),
        (#""gross_amount_micros":100,"#, "", "missing_field", "lines[0].gross_amount_micros"),
        (#""net_amount_micros":80"#, #""net_amount_micros":-1"#, "invalid_field", "lines[0].net_amount_micros"),
        (#""net_amount_micros":80"#, #""net_amount_micros":80,"tax":1"#, "unknown_field", "lines[0].tax"),
        (#""2026-11-21T09:00:00Z""#, #""2026-11-21T09:05:01Z""#, "invalid_field", "ordered_at"),
        (#""2026-11-21T09:00:00Z""#, #""2026-11-21""#, "invalid_field", "ordered_at"),
        (#""sku":"p1""#, #""sku":"""#, "invalid_field", "lines[0].sku"),
    ])
    func aBadOrderNamesItsField(part: String, replacement: String, code: String, field: String) async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let body = EdgeWorld.order().replacingOccurrences(of: part, with: replacement)
            let answer = try RawConnection(port: port).post("/v1/orders", body, headers: Self.key)
            #expect(answer.status == 400)
            #expect(answer.code == code, "\(answer.text)")
            #expect(answer.string("field") == field)
        }
    }

    @Test func adjustmentsSayWhatTheirKindNeeds() async throws {
        let file = try TestLog()
        let world = try EdgeWorld(log: file.log)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            func send(_ members: String, order: String = "o:1") throws -> String? {
                let path = order.replacingOccurrences(of: ":", with: "%3A")
                let answer = try connection.post(
                    "/v1/orders/\(path)/adjustments",
                    #"{"adjustment_id":"a1","occurred_at":"2026-11-21T09:00:00Z",\#(members)}"#,
                    headers: Self.key)
                return answer.string("status") ?? answer.string("field") ?? answer.code
            }
            #expect(try send(#""kind":"return","units":1"#) == "line_no")
            #expect(try send(#""kind":"cancel","units":1"#) == "line_no")
            #expect(try send(#""kind":"price","line_no":1"#) == "amount_micros")
            #expect(try send(#""kind":"price","line_no":1,"units":1,"amount_micros":5"#) == "units")
            #expect(try send(#""kind":"return","line_no":1,"amount_micros":-5"#) == "amount_micros")
            #expect(try send(#""kind":"price","line_no":1,"amount_micros":-5"#) == "accepted")
            #expect(try send(#""kind":"price","line_no":1,"amount_micros":-5"#) == "duplicate")
            #expect(try send(#""kind":"cancel""#) == "adjustment_id", "the id is taken by other content")
            let stored = try Self.records(file)
            guard case .adjustment(let adjustment) = try #require(stored.first) else {
                throw RawConnection.Failure(description: "none")
            }
            #expect(adjustment.orderID == "o:1")
            #expect(adjustment.amount?.value == -5)
        }
    }

    @Test func linksAreTakenFromServersOnly() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let body = #"{"visitor_id":"v1","customer_id":"c1","linked_at":"2026-11-21T09:00:00Z"}"#
            #expect(try connection.post("/v1/links", body).status == 401)
            #expect(try connection.post("/v1/links", body, headers: Self.key).string("status") == "accepted")
            #expect(try connection.post("/v1/links", "{}", headers: Self.key).string("field") == "visitor_id")
        }
    }

    @Test func stockIsAnsweredByOutcome() async throws {
        var backend = DeliveryBackend()
        backend.applyStock = { deltas, location, asOf in
            switch location {
            case "msk":
                #expect(deltas == [StockDelta(sku: "p1", quantity: 3, priceMicros: 5, version: 2)])
                #expect(asOf == EdgeWorld.start)
                return StockResult(outcomes: [.applied], changeNumber: 4)
            case "away": throw PostgresError(.connectionLost, "no")
            default: throw StockError.unknownLocation(location)
            }
        }
        let file = try TestLog()
        let world = try EdgeWorld(log: file.log, backend: backend)
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            func body(_ location: String, version: Int = 2) -> String {
                #"{"location":"\#(location)","items":[{"sku":"p1","quantity":3,"price_micros":5,"version":\#(version)}]}"#
            }
            let good = try connection.post("/v1/stock", body("msk"), headers: Self.key)
            #expect(
                good.text
                    == #"{"counts":{"applied":1,"stale":0,"unknown_sku":0,"superseded":0},"results":[{"index":0,"status":"applied"}]}"#
            )
            let unknown = try connection.post("/v1/stock", body("mars"), headers: Self.key)
            #expect(unknown.code == "unknown_location")
            let away = try connection.post("/v1/stock", body("away"), headers: Self.key)
            #expect(away.status == 503)
            #expect(away.code == "database_unavailable")
            let zero = try connection.post("/v1/stock", body("msk", version: 0), headers: Self.key)
            #expect(zero.string("field") == "items[0].version")
            try await eventually(within: .seconds(5)) { try file.refusals().count == 2 }
            #expect(try file.refusals().map(\.kind) == ["stock", "stock"])
            #expect(try file.refusals().map(\.reason) == ["unknown_location", "invalid_field"])
        }
    }
}
