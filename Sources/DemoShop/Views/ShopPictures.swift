import Foundation

/// Where product pictures lie.
enum ShopPictures {
    /// Foreign origins that a page may load pictures from; more are not shown.
    static let originLimit = 8

    /// The origin of a picture that lies elsewhere, `https://cdn.example`; nil for the shop's own drawings and for what
    /// is no safe address.
    static func origin(of url: String) -> String? {
        for scheme in ["https://", "http://"] where url.hasPrefix(scheme) {
            let rest = url.dropFirst(scheme.count)
            let host = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            guard !host.isEmpty, !rest[host.endIndex...].hasPrefix("/shop/pictures/"),
                host.utf8.allSatisfy({
                    (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || (0x41...0x5A).contains($0)
                        || $0 == 0x2D || $0 == 0x2E || $0 == 0x3A
                })
            else { return nil }
            return scheme + host
        }
        return nil
    }

    /// Every origin of the pictures of a catalogue, its own drawings' too: ads name them in full.
    static func origins(_ urls: some Sequence<String>) -> [String] {
        var found: Set<String> = []
        for url in urls {
            let own = url.range(of: "/shop/pictures/").map { String(url[..<$0.lowerBound]) + "/" }
            if let origin = origin(of: own ?? url) { found.insert(origin) }
            if found.count == originLimit { break }
        }
        return found.sorted()
    }
}
