import NIOHTTP1

/// Addresses and methods of the delivery API.
enum RouteTable {
    /// The route of a request head, or why there is none.
    static func route(method: HTTPMethod, uri: String) -> Result<Route, RouteRefusal> {
        // The hot path first: one comparison.
        if method == .POST, uri == "/v1/placements" { return .success(.placements) }
        let path = Self.path(of: uri)
        if path == "*", method == .OPTIONS { return .success(.options(methods: "GET, POST, OPTIONS")) }
        guard let found = match(path) else {
            return .failure(RouteRefusal(problem: Problem(.notFound, "Look at the paths of the API description.")))
        }
        if found == .placements, method == .POST, PercentDecoding.value("explain", in: query(of: uri)) == "1" {
            return .success(.explainedPlacements)
        }
        let isRead =
            switch found {
            case .health, .pixel, .click, .tag: true
            default: false
            }
        let allow = isRead ? "GET, HEAD, OPTIONS" : "POST, OPTIONS"
        switch method {
        case .OPTIONS: return .success(.options(methods: allow))
        case .GET where isRead, .HEAD where isRead, .POST where !isRead: return .success(found)
        default:
            return .failure(
                RouteRefusal(problem: Problem(.methodNotAllowed, "Allowed here: \(allow)."), allow: allow))
        }
    }

    /// Path of a request target in origin or absolute form, without the query.
    static func path(of uri: String) -> Substring {
        var rest = Substring(uri)
        for scheme in ["http://", "https://"] where rest.hasPrefix(scheme) {
            rest = rest.dropFirst(scheme.count)
            guard let slash = rest.utf8.firstIndex(of: 0x2F) else { return "/" }
            rest = rest[slash...]
        }
        return rest.utf8.firstIndex(of: 0x3F).map { rest[..<$0] } ?? rest
    }

    /// What follows the first `?`.
    static func query(of uri: String) -> Substring {
        guard let mark = uri.utf8.firstIndex(of: 0x3F) else { return "" }
        return uri[uri.utf8.index(after: mark)...]
    }

    private static func match(_ path: Substring) -> Route? {
        switch path {
        case "/v1/placements": return .placements
        case "/v1/events": return .events
        case "/v1/orders": return .orders
        case "/v1/links": return .links
        case "/v1/stock": return .stock
        case "/v1/health": return .health
        default: break
        }
        if path.hasPrefix("/tag/") { return TagFile(rawValue: String(path.dropFirst(5))).map { .tag($0) } }
        let parts = path.split(separator: "/", maxSplits: 6, omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].isEmpty, parts[1] == "v1", !parts[3].isEmpty else { return nil }
        switch (parts[2], parts.count) {
        case ("pixel", 4): return .pixel(token: String(parts[3]))
        case ("click", 4): return .click(token: String(parts[3]), card: nil)
        case ("click", 5): return .click(token: String(parts[3]), card: String(parts[4]))
        case ("orders", 5) where parts[4] == "adjustments":
            guard let id = PercentDecoding.decode(parts[3]) else { return nil }
            return .adjustments(orderID: id)
        default: return nil
        }
    }
}

/// Percent-decoding of short path and query pieces.
enum PercentDecoding {
    /// nil when an escape is broken or the result is not UTF-8.
    static func decode(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var source = text.utf8.makeIterator()
        while let byte = source.next() {
            guard byte == 0x25 else {
                bytes.append(byte)
                continue
            }
            guard let high = source.next().flatMap(nibble), let low = source.next().flatMap(nibble) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Value of the first `name=value` pair of a query.
    static func value(_ name: String, in query: Substring) -> String? {
        for pair in query.split(separator: "&", maxSplits: 32) {
            guard let equals = pair.utf8.firstIndex(of: 0x3D), pair[..<equals] == name else { continue }
            return decode(pair[pair.utf8.index(after: equals)...])
        }
        return nil
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
