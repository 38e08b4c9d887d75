import Foundation
import Outbound
import Testing

@Suite struct AddressBehaviour {
    private struct AddressCases: Decodable {
        var refused: [String: [String]]
        var called: [String]
        var not_addresses: [String]
    }

    private struct HostCases: Decodable {
        var accepted: [String: String]
        var refused: [String]
        var redirects: [[String?]]
    }

    @Test func addressesThatAreNeverCalled() throws {
        let cases = try CaseFiles.load("addresses-that-are-never-called", as: AddressCases.self)
        for (kind, texts) in cases.refused {
            for text in texts {
                let address = try #require(IPAddress(text), "\(text)")
                #expect(!address.isPublic, "\(text) is \(kind)")
            }
        }
        for text in cases.called {
            #expect(try #require(IPAddress(text), "\(text)").isPublic, "\(text)")
        }
        for text in cases.not_addresses { #expect(IPAddress(text) == nil, "\(text)") }
    }

    @Test func hostsAreReadOneWayOnly() throws {
        let cases = try CaseFiles.load("hosts-are-read-one-way-only", as: HostCases.self)
        for (text, normal) in cases.accepted {
            #expect(try OutboundURL(text).text == normal)
            #expect(try OutboundURL(normal).text == normal)
        }
        for text in cases.refused {
            #expect(throws: OutboundError.self, "\(text)") { try OutboundURL(text) }
        }
        for redirect in cases.redirects {
            let from = try OutboundURL(try #require(redirect[0]))
            let location = try #require(redirect[1])
            #expect((try? from.resolving(location))?.text == redirect[2], "\(location)")
        }
    }

    @Test func plainAndPrivateHostsAreListedApart() throws {
        let policy = OutboundPolicy(plainHosts: ["plain.example", "port.example:81"], privateHosts: ["10.0.0.1"])
        try policy.check("http://plain.example/")
        try policy.check("http://PLAIN.example:99/")
        try policy.check("http://port.example:81/")
        try policy.check("https://10.0.0.1/")
        try policy.check("https://elsewhere.example/")
        for (text, code) in [
            ("http://port.example/", "outbound_scheme_not_allowed"),
            ("http://10.0.0.1/", "outbound_scheme_not_allowed"),
            ("http://sub.plain.example/", "outbound_scheme_not_allowed"),
            ("https://10.0.0.2/", "outbound_forbidden_address"),
            ("https://[::ffff:10.0.0.1]/", "outbound_forbidden_address"),
            ("https://2130706433/", "outbound_invalid_url"),
        ] {
            let error = #expect(throws: OutboundError.self, "\(text)") { try policy.check(text) }
            #expect(error?.code == code, "\(text)")
        }
    }

    /// The registry once more, in another form: first and last address of each range as numbers.
    private static let ranges: [(UInt32, UInt32)] = [
        (0x0000_0000, 0x00FF_FFFF), (0x0A00_0000, 0x0AFF_FFFF), (0x6440_0000, 0x647F_FFFF), (0x7F00_0000, 0x7FFF_FFFF),
        (0xA9FE_0000, 0xA9FE_FFFF), (0xAC10_0000, 0xAC1F_FFFF), (0xC000_0000, 0xC000_00FF), (0xC000_0200, 0xC000_02FF),
        (0xC058_6300, 0xC058_63FF), (0xC0A8_0000, 0xC0A8_FFFF), (0xC612_0000, 0xC613_FFFF), (0xC633_6400, 0xC633_64FF),
        (0xCB00_7100, 0xCB00_71FF), (0xE000_0000, 0xFFFF_FFFF),
    ]

    /// Every way to write an IPv4 address inside an IPv6 one is refused, and no odd way to write it alone is read.
    @Test func noEmbeddedFormGetsThrough() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix64(seed: seed)
        var through: [String] = []
        for round in 0..<5_000 {
            let number: UInt32
            if round.isMultiple(of: 2) {
                let (low, high) = Self.ranges[Int.random(in: 0..<Self.ranges.count, using: &random)]
                // The edges are where mistakes are.
                number =
                    [low, high, UInt32.random(in: low...high, using: &random)].randomElement(using: &random) ?? low
            } else {
                number = UInt32.random(in: .min ... .max, using: &random)
            }
            let bytes = (0..<4).map { UInt8(truncatingIfNeeded: number >> UInt32(24 - 8 * $0)) }
            let dotted = bytes.map(String.init).joined(separator: ".")
            let isSpecial = Self.ranges.contains { $0.0 <= number && number <= $0.1 }
            if IPAddress(dotted)?.isPublic != !isSpecial { through.append(dotted) }

            let groups = String(number >> 16, radix: 16) + ":" + String(number & 0xFFFF, radix: 16)
            let prefix = ["2a02:6b8", "2606:4700", "2001:4860"].randomElement(using: &random) ?? "2a02:6b8"
            for text in [
                "::\(dotted)", "::\(groups)", "::ffff:\(dotted)", "::ffff:\(groups)", "::ffff:0:\(groups)",
                "0:0:0:0:0:FFFF:\(dotted)", "64:ff9b::\(dotted)", "64:ff9b::\(groups)", "64:ff9b:1::\(groups)",
                "2002:\(groups)::", "2002:\(groups)::1", "2001:0:\(groups)::", "2001::\(groups)",
                "\(prefix)::5efe:\(groups)", "\(prefix)::200:5efe:\(dotted)", "fe80::5efe:\(dotted)",
            ] {
                guard let address = IPAddress(text), !address.isPublic, IPAddress(address.description) == address else {
                    through.append(text)
                    continue
                }
                do throws(OutboundError) {
                    try OutboundPolicy.publicOnly.check("https://[\(text)]/")
                    through.append(text)
                } catch {
                    if error.code != "outbound_forbidden_address" { through.append(text) }
                }
            }
            // A name of digits alone, or one that ends like a number, is never looked up.
            for text in [
                String(number), "0x" + String(number, radix: 16), "0" + String(number, radix: 8),
                bytes.map { "0x" + String($0, radix: 16) }.joined(separator: "."),
                bytes.map { "0" + String($0, radix: 8) }.joined(separator: "."),
                "\(bytes[0]).\(number & 0xFF_FFFF)", "\(bytes[0]).\(bytes[1]).\(number & 0xFFFF)", dotted + ".",
                "[\(dotted)]", dotted + "%00", "\u{FF11}.\(dotted)",
            ] where text != dotted {
                if let url = try? OutboundURL("https://\(text)/") { through.append(url.text) }
            }
        }
        #expect(through.isEmpty, "seed \(seed): \(through.prefix(20))")
    }
}
