import AdFormats
import AdModel
import Decisioning
import DeliveryAPI
import EventLog
import Foundation
import Logging
import Measurement
import Profiles
import Store
import Synchronization
import Telemetry

/// A clock that tests move.
final class TestClock: Sendable {
    private let micros: Atomic<Int64>

    init(_ start: Timestamp) { micros = Atomic(start.micros) }

    var now: Timestamp { Timestamp(micros: micros.load(ordering: .relaxed)) }
    func advance(_ span: Timestamp.Span) { micros.wrappingAdd(span.micros, ordering: .relaxed) }
}

/// Takes records without a disk, or refuses them, or keeps its callers waiting.
final class TestSink: EventSink {
    enum Mode { case immediate, held, full, failing }

    private struct State {
        var mode = Mode.immediate
        var single: [[UInt8]] = []
        var batches = 0
        var batched = 0
        var held: [@Sendable (Result<Void, EventLogError>) -> Void] = []
    }

    private let state = Mutex(State())

    var mode: Mode {
        get { state.withLock { $0.mode } }
        set { state.withLock { $0.mode = newValue } }
    }
    /// Records that nobody waited for: decisions and links.
    var single: [LogRecord] {
        state.withLock { $0.single }.compactMap { try? LogRecordCodec.decode($0) }
    }
    var decisions: [DecisionRecord] {
        single.compactMap { record in
            if case .decision(let decision) = record { decision } else { nil }
        }
    }
    /// Records that came in batches.
    var batched: Int { state.withLock { $0.batched } }
    var heldCount: Int { state.withLock { $0.held.count } }

    func append(_ record: UnsafeRawBufferPointer) throws {
        try state.withLock { state in
            if state.mode == .full { throw EventLogError.full }
            state.single.append(Array(record))
        }
    }

    func append(
        _ batch: borrowing EventBatch, acknowledge onDurable: @escaping @Sendable (Result<Void, EventLogError>) -> Void
    ) throws(EventLogError) {
        let count = batch.count
        let mode = state.withLock { state in
            if state.mode == .held { state.held.append(onDurable) }
            if state.mode != .full {
                state.batches += 1
                state.batched += count
            }
            return state.mode
        }
        switch mode {
        case .immediate: onDurable(.success(()))
        case .held: break
        case .full: throw .full
        case .failing: onDurable(.failure(.closed))
        }
    }

    /// Everything held back becomes durable.
    func release() {
        let held = state.withLock { state in
            defer { state.held = [] }
            return state.held
        }
        for acknowledge in held { acknowledge(.success(())) }
    }
}

/// A retailer in memory: one banner sold by impression, one shelf sold by click.
struct EdgeWorld {
    static let start = Timestamp(micros: 1_795_251_600_000_000)
    static let serverKey = "nk_shop_0123456789abcdefghijklmnopqrstuvwxyz"
    static let secret = [UInt8](repeating: 7, count: 32)

    let clock = TestClock(start)
    let sink = TestSink()
    let serving = ServingHolder()
    let profiles = ProfileStore(maximumProfiles: 1_024)
    let metrics = MetricsRegistry()
    let environment: DeliveryEnvironment
    let server: DeliveryServer

    init(
        log: (any EventSink)? = nil, limits: HTTPLimits = HTTPLimits(), backend: DeliveryBackend = DeliveryBackend(),
        tag: TagFiles? = nil, change: (inout ServingData) -> Void = { _ in }
    ) throws {
        var data = Self.data()
        change(&data)
        serving.swap(try ServingState(data: data, stock: (3, Self.stock)))
        for id: Int32 in 1...2 { serving.leases.grant(id, .roubles(100)) }
        var settings = DeliverySettings()
        settings.publicBaseURL = "https://ads.test"
        settings.customerSecrets = [Self.secret]
        settings.limits = limits
        settings.loops = 1
        let clock = clock
        environment = DeliveryEnvironment(
            settings: settings, serving: serving, profiles: profiles, log: log ?? sink,
            tokens: AdTokenCodec(try AdTokenKeys(id: 1, key: [UInt8](repeating: 1, count: 32))),
            shopperHash: ShopperHash(key: [UInt8](repeating: 2, count: 16)),
            agents: try UserAgentClassifier(list: "bot\n"), backend: backend, tag: tag, metrics: metrics,
            clock: { clock.now })
        var quiet = Logger(label: "test")
        quiet.logLevel = .critical
        server = DeliveryServer(environment: environment, host: "127.0.0.1", port: 0, logger: quiet)
    }

    static let stock: [StockRow] = [
        StockRow(
            locationID: 1, productID: 1, quantity: 5, price: .roubles(900), oldPrice: .roubles(1_000), asOf: start),
        StockRow(locationID: 1, productID: 2, quantity: 5, price: Micros(99_900_000), asOf: start),
    ]

    static func data() -> ServingData {
        var data = ServingData(version: 7)
        data.input.locations = [.init(id: 1, code: "msk", regionCodes: ["RU-MOW"])]
        data.input.storefronts = [.init(id: 1, code: "shop", defaultLocationID: 1), .init(id: 2, code: "other")]
        data.storefronts = [
            ServingStorefront(
                id: 1, code: "shop", origin: "https://shop.test", landingHosts: ["shop.test"],
                zoneOffsetSeconds: 10_800,
                defaultLocationID: 1),
            ServingStorefront(
                id: 2, code: "other", origin: "https://other.test", landingHosts: ["other.test"], zoneOffsetSeconds: 0,
                defaultLocationID: nil),
        ]
        data.input.placements = [
            .init(id: 1, storefrontID: 1, code: "home.top", pageType: .home, formats: ["banner"]),
            .init(id: 2, storefrontID: 1, code: "home.shelf", pageType: .home, formats: ["shelf"], rank: 200),
            .init(id: 3, storefrontID: 2, code: "home.top", pageType: .home, formats: ["banner"]),
        ]
        data.input.categories = [.init(id: 1, code: "101")]
        data.input.brands = [.init(id: 1, code: "norda")]
        data.brandAliases = ["Норда": 1]
        data.input.formats = [.init(name: "banner"), .init(name: "shelf", minimumCards: 1, maximumCards: 8)]
        data.input.advertisers = [.init(id: 1)]
        let urls: [Int32: String] = [1: "https://shop.test/p/1?a=b#reviews", 2: "https://evil.test/p/2"]
        for id: Int32 in 1...2 {
            let product = ServingProduct(
                sku: "p\(id)", name: "Product \(id)", url: urls[id], pictureURL: "https://cdn.test/\(id).png")
            data.products[id] = product
            data.input.products.append(
                .init(id: id, sku: product.sku, brandID: 1, categoryIDs: [1], fragment: Fragments.product(product)))
        }
        data.promotedProductIDs = [1, 2]
        addLine(&data, id: 1, format: "banner", pricing: .cpm, bid: .roubles(200), products: [])
        addLine(&data, id: 2, format: "shelf", pricing: .cpc, bid: .roubles(15), products: [1, 2])
        data.input.lineItems[0].caps.limit(.day, to: 3)
        data.serverKeys[APIKeyText.hash(serverKey)] = ServerKey(storefrontID: 1, expiresAt: start + .days(30))
        return data
    }

    private static func addLine(
        _ data: inout ServingData, id: Int32, format: String, pricing: Pricing, bid: Micros, products: [Int32]
    ) {
        let creative = ServingCreative(
            versionID: id * 10, lineItemID: id, publicID: "c\(id)-v1", format: format,
            landingURL: "https://shop.test/land/\(id)?from=ad#top", erid: "2VtzqErid\(id)",
            fieldsJSON: "{\"alt\":\"A\"}",
            pictures: [], advertiserName: "ООО \"Норд\"", advertiserINN: "7736207543")
        data.creatives[creative.versionID] = creative
        var line = SnapshotInput.LineItem(id: id, campaignID: id, advertiserID: 1)
        line.pricing = pricing
        line.bid = bid
        line.needsLease = true
        line.promotedProductIDs = products
        line.creatives = [
            .init(versionID: creative.versionID, format: format, fragment: Fragments.creative(creative))
        ]
        data.input.lineItems.append(line)
    }

    // MARK: Bodies

    static func page(
        visitor: String? = "v1", consent: Bool = true, slots: String = #"[{"name":"home.top"}]"#, more: String = ""
    ) -> String {
        let id = visitor.map { "\"visitor_id\":\"\($0)\"," } ?? ""
        return """
            {"storefront":"shop","page":{"type":"home"},"slots":\(slots),
             "shopper":{\(id)"consent":\(consent)}\(more)}
            """
    }

    static let bothSlots = #"[{"name":"top","placement":"home.top"},{"name":"shelf","placement":"home.shelf"}]"#

    static func order(_ id: String = "o1", units: Int = 1, at: Timestamp = start) -> String {
        """
        {"order_id":"\(id)","visitor_id":"v1","channel":"online","ordered_at":"\(at.rfc3339)","lines":[
         {"sku":"p1","units":\(units),"gross_amount_micros":100,"net_amount_micros":80}]}
        """
    }
}
