import Foundation
import Glibc

/// The request stream of `nimb bench http`: every request another shopper, category, brand, location and device.
struct BenchRequests {
    private let placements: [[UInt8]]
    private let signals: [[UInt8]]
    private let connections: Int

    init(count: Int, connections: Int) {
        self.connections = connections
        placements = (0..<count).map { Self.placement($0) }
        // More than any round can send, so that no event is a repetition.
        signals = (0..<400_000).map { Self.signal($0) }
    }

    func generator(port: Int) -> LoadGenerator {
        LoadGenerator(requests: placements, port: UInt16(port), connections: connections)
    }

    func events(port: Int) -> LoadGenerator {
        LoadGenerator(requests: signals, port: UInt16(port), connections: connections)
    }

    private static func placement(_ n: Int) -> [UInt8] {
        // A multiplicative walk: neighbours in the stream are far apart in every dimension.
        let mixed = (n &* 2_654_435_761) & 0x7FFF_FFFF
        let body = """
            {"storefront":"shop","page":{"type":"category","category":"cat-\(1 + mixed % 2000)","brand":"brand-\(1 + mixed / 7 % 300)"},\
            "slots":[{"name":"top"},{"name":"side"},{"name":"bottom"},{"name":"shelf"}],\
            "shopper":{"visitor_id":"bench-\(n)","consent":true,"device":"\(mixed % 3 == 0 ? "mobile" : "desktop")"},\
            "location":"loc-\(1 + mixed / 11 % 8)","region":"RU-MOW"}
            """
        return request("/v1/placements", body)
    }

    private static func signal(_ n: Int) -> [UInt8] {
        request(
            "/v1/events",
            #"{"storefront":"shop","events":[{"type":"product_view","id":"b\#(n)","visitor_id":"bench-\#(n % 100_000)","sku":"sku-\#(1 + n % 20_000)"}]}"#
        )
    }

    private static func request(_ path: String, _ body: String) -> [UInt8] {
        Array(
            """
            POST \(path) HTTP/1.1\r
            Host: 127.0.0.1\r
            User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r
            Accept: application/json\r
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
    }

    /// Asks once for each of the first `count` requests and looks at the answers.
    func sample(port: Int, count: Int) throws -> Sample {
        var sample = Sample()
        var sizes: [Int] = []
        try LoadGenerator(requests: Array(placements.prefix(count)), port: UInt16(port), connections: 1).inspect(count)
        { body in
            sizes.append(body.count)
            let text = String(decoding: body, as: UTF8.self)
            sample.slots += 4
            sample.slotsFilled += 4 - (text.components(separatedBy: "\"no_fill\"").count - 1)
        }
        sample.medianBytes = sizes.sorted()[sizes.count / 2]
        return sample
    }
}
