import Foundation
import Glibc

/// The request stream of `nimb bench http`: every request another shopper, category, brand, location and device.
struct BenchRequests {
    /// Shoppers whose profiles are resident; the requests are of some of them.
    static let shoppers = 1_000_000
    /// What one request asks, before it is put into words.
    struct Page {
        var visitor: String
        var category: Int
        var brand: Int
        var location: Int
        var isMobile: Bool
        /// nil = the client's address tells it.
        var region: String?
        var address: String?

        /// - Parameters:
        ///   - number: of the request.
        ///   - addresses: whose requests these are; empty = the region is declared.
        init(_ number: Int, visitor: String? = nil, addresses: [String]) {
            // A multiplicative walk: neighbours in the stream are far apart in every dimension.
            let mixed = (number &* 2_654_435_761) & 0x7FFF_FFFF
            self.visitor = visitor ?? "bench-\((number &* 48_271) % BenchRequests.shoppers)"
            category = 1 + mixed % 2_000
            brand = 1 + mixed / 7 % 300
            location = 1 + mixed / 11 % 8
            isMobile = mixed % 3 == 0
            if addresses.isEmpty { region = "RU-MOW" } else { address = addresses[mixed / 13 % addresses.count] }
        }

        var request: [UInt8] {
            let place = region.map { ",\"region\":\"\($0)\"" } ?? ""
            let body = """
                {"storefront":"shop","page":{"type":"category","category":"cat-\(category)","brand":"brand-\(brand)"},\
                "slots":[{"name":"top"},{"name":"side"},{"name":"bottom"},{"name":"shelf"}],\
                "shopper":{"visitor_id":"\(visitor)","consent":true,"device":"\(isMobile ? "mobile" : "desktop")"},\
                "location":"loc-\(location)"\(place)}
                """
            return BenchRequests.request("/v1/placements", body, address: address)
        }
    }

    private let placements: [[UInt8]]
    private let signals: [[UInt8]]
    private let connections: Int
    private let addresses: [String]

    /// - Parameters:
    ///   - count: distinct requests.
    ///   - addresses: of clients, for a server with a GeoIP database; empty = requests declare their region.
    init(count: Int, connections: Int, addresses: [String] = []) {
        self.connections = connections
        self.addresses = addresses
        placements = (0..<count).map { Page($0, addresses: addresses).request }
        // More than any round can send, so that no event is a repetition.
        signals = (0..<400_000).map { Self.signal($0) }
    }

    func generator(port: Int) -> LoadGenerator {
        LoadGenerator(requests: placements, port: UInt16(port), connections: connections)
    }

    func events(port: Int) -> LoadGenerator {
        LoadGenerator(requests: signals, port: UInt16(port), connections: connections)
    }

    /// Gives every shopper a profile, 500 at a time.
    func makeProfiles(port: Int) throws {
        let batch = 500
        let bodies = stride(from: 0, to: Self.shoppers, by: batch).map { first -> [UInt8] in
            let events = (first..<(first + batch)).map {
                #"{"type":"product_view","id":"w\#($0)","visitor_id":"bench-\#($0)","consent":true,"sku":"sku-\#(1 + $0 % 20_000)"}"#
            }
            return Self.request(
                "/v1/events", #"{"storefront":"shop","events":[\#(events.joined(separator: ","))]}"#)
        }
        try LoadGenerator(requests: bodies, port: UInt16(port), connections: 1).inspect(bodies.count) { _ in }
    }

    private static func signal(_ n: Int) -> [UInt8] {
        request(
            "/v1/events",
            #"{"storefront":"shop","events":[{"type":"product_view","id":"b\#(n)","visitor_id":"bench-\#(n % 100_000)","consent":true,"sku":"sku-\#(1 + n % 20_000)"}]}"#
        )
    }

    fileprivate static func request(_ path: String, _ body: String, address: String? = nil) -> [UInt8] {
        let forwarded = address.map { "X-Forwarded-For: \($0)\r\n" } ?? ""
        return Array(
            """
            POST \(path) HTTP/1.1\r
            Host: 127.0.0.1\r
            User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r
            \(forwarded)Accept: application/json\r
            Content-Type: application/json\r
            Content-Length: \(body.utf8.count)\r
            \r
            \(body)
            """.utf8)
    }

    struct Sample {
        var slots = 0
        var slotsFilled = 0
        var medianBytes = 0
        /// Answers that say what a separate call of `decide` says.
        var agreeing = 0
        var answers = 0
    }

    /// Asks once for each of `count` pages of shoppers who were never seen, and looks at the answers. A lot at a time:
    /// the first lease of a line item is small, and who has spent it waits a second for the next.
    func sample(port: Int, count: Int, check: DecisionAgreement) throws -> Sample {
        let lot = 100
        var sample = Sample()
        var sizes: [Int] = []
        let pages = (0..<count).map { Page($0, visitor: "fresh-\($0)", addresses: addresses) }
        for first in stride(from: 0, to: count, by: lot) {
            usleep(1_200_000)
            let requests = pages[first..<min(first + lot, count)].map(\.request)
            try LoadGenerator(requests: requests, port: UInt16(port), connections: 1).inspect(requests.count) { body in
                sizes.append(body.count)
                let text = String(decoding: body, as: UTF8.self)
                sample.slots += 4
                sample.slotsFilled += 4 - (text.components(separatedBy: "\"no_fill\"").count - 1)
                if check.agrees(pages[sample.answers], body) { sample.agreeing += 1 }
                sample.answers += 1
            }
        }
        sample.medianBytes = sizes.sorted()[sizes.count / 2]
        return sample
    }
}
