import AdModel
import Decisioning
import DeliveryAPI
import Dispatch
import Measurement
import Simulator
import Store

/// Runs the work of one actor on a thread of its own: the driver waits on sockets, and nothing else may wait with it.
final class HistoryExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "nimb.history")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}

/// Does what the simulator says, step by step at its time, over the delivery listener.
///
/// Each step moves the clock, is sent, and is waited for until the edge has taken it: then its time stands. Answers
/// that wait for the disk are collected later, many at a time, as from many browsers.
actor HistoryDriver {
    private nonisolated let executor = HistoryExecutor()
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private var simulator: Simulator
    private let wire: HistoryWire
    private let environment: DeliveryEnvironment
    private let clock: InstallationClock
    private let sink: HistorySink
    /// Ads are asked for on one connection, everything else is said on another, as fast readers of the edge expect.
    private let asking: HistoryConnection
    private let telling: HistoryConnection
    private let productIndex: [Int32: Int32]
    /// Promoted products by line item, as of one snapshot.
    private var promoted: [Int32: [Int32]] = [:]
    private var promotedVersion: Int64 = -1
    private(set) var hasChangedStock = false

    init(
        simulator: Simulator, shop: HistoryShop, storefront: String, key: String, environment: DeliveryEnvironment,
        clock: InstallationClock, sink: HistorySink, port: Int
    ) throws {
        self.simulator = simulator
        wire = HistoryWire(storefront: storefront, key: key, shop: shop.shop, oldPrices: shop.oldPrices)
        productIndex = Dictionary(uniqueKeysWithValues: shop.productIDs.enumerated().map { ($1, Int32($0)) })
        self.environment = environment
        self.clock = clock
        self.sink = sink
        asking = try HistoryConnection(port: port)
        telling = try HistoryConnection(port: port)
    }

    /// What has truly happened so far.
    var truth: Truth { simulator.truth }

    /// Lives until an instant. True when stock was reported, which serving should learn of.
    func live(until end: Timestamp) throws -> Bool {
        hasChangedStock = false
        while let step = simulator.next(before: end) {
            clock.hold(at: step.at)
            try act(step)
        }
        clock.hold(at: end)
        return hasChangedStock
    }

    /// Waits for every answer that is still owed.
    func settle() throws { while telling.inFlight > 0 { try collect() } }

    private func act(_ step: Step) throws {
        switch step.action {
        case .page(let page):
            try asking.send(wire.placements(page))
            let ads = try asking.answer { status, body in
                guard status == 200 else { throw Self.failure("placements", status, body) }
                return try served(body)
            }
            simulator.answer(ads)
        case .report(let report): try tell(wire.report(report))
        case .click(let token, let card): try tell(wire.click(token: token, card: card))
        case .order(let order): try tellAndWait([wire.order(order)])
        case .adjustment(let adjustment): try tellAndWait([wire.adjustment(adjustment)])
        case .link(let visitor, let customer):
            try tell(wire.link(visitor: visitor, customer: customer, at: step.at))
        case .stock(let stock):
            hasChangedStock = true
            try tellAndWait(wire.stock(stock, at: step.at))
        }
    }

    // MARK: Telling

    /// Sends what the log must keep, and goes on as soon as the edge has taken it.
    private func tell(_ request: [UInt8]) throws {
        while telling.inFlight >= HistoryConnection.mostInFlight { try collect() }
        try telling.send(request)
        // A repetition is answered without being kept.
        while !sink.waitForOne() {
            if telling.hasAnswer { try collect() }
            if telling.inFlight == 0 { return }
        }
    }

    /// Orders look into the database first, and stock only there: these are few, and waited for.
    private func tellAndWait(_ requests: [[UInt8]]) throws {
        try settle()
        for request in requests {
            try telling.send(request)
            try collect()
        }
        while sink.takeOne() {}
    }

    private func collect() throws {
        try telling.answer { status, body in
            guard status == 200 || status == 302 else { throw Self.failure("an event", status, body) }
        }
    }

    private static func failure(_ what: String, _ status: Int, _ body: UnsafeRawBufferPointer) -> any Error {
        HistoryConnection.Failure(
            description: "\(what) was answered \(status): \(String(decoding: body.prefix(400), as: UTF8.self))")
    }

    // MARK: Reading ads

    /// The ads of an answer, slot by slot. Quotes inside texts are escaped there, so the marks stand for themselves.
    private func served(_ body: UnsafeRawBufferPointer) throws -> [ServedAd] {
        guard let state = environment.serving.state else { return [] }
        if state.data.input.version != promotedVersion {
            promotedVersion = state.data.input.version
            promoted = Dictionary(
                uniqueKeysWithValues: state.data.input.lineItems.map { line in
                    (line.id, line.promotedProductIDs.compactMap { productIndex[$0] })
                })
        }
        var ads: [ServedAd] = []
        var slot = -1
        var at = 0
        func find(_ mark: StaticString, from: Int) -> Int {
            ByteSearch.find(mark, in: body, from: from) ?? body.count
        }
        var nextSlot = find("{\"ads\":[", from: 0)
        var nextToken = find("\"token\":\"", from: 0)
        while nextToken < body.count {
            while nextSlot < nextToken {
                slot += 1
                nextSlot = find("{\"ads\":[", from: nextSlot + 8)
            }
            at = nextToken + 9
            var end = at
            while end < body.count, body[end] != UInt8(ascii: "\"") { end += 1 }
            let wire = String(decoding: body[at..<end], as: UTF8.self)
            let token = try environment.tokens.open(wire)
            ads.append(
                ServedAd(
                    token: wire, slot: slot, position: Int(token.position),
                    format: state.data.creatives[token.creativeVersionID]?.format ?? "", campaign: token.campaignID,
                    lineItem: token.lineItemID, cards: token.productIDs.map { productIndex[$0] ?? -1 },
                    promoted: promoted[token.lineItemID] ?? []))
            nextToken = find("\"token\":\"", from: end)
        }
        return ads
    }
}
