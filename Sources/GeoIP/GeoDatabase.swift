import CMaxMindDB
import Glibc

/// Why a database file cannot be used.
public struct GeoError: Error, Equatable, CustomStringConvertible {
    /// Stable snake_case code: `geo_unreadable` (missing or forbidden file), `geo_corrupt`, `geo_schema`.
    public let code: String
    /// One sentence that names the file.
    public let message: String
    public var isRetryable: Bool { false }
    public var description: String { message }
}

/// What is known of a network.
public struct GeoRecord: Equatable, Sendable {
    /// ISO 3166-1 alpha-2, "RU".
    public var countryISO: String?
    /// ISO 3166-2 without the country, "MOW"; data sets without codes leave it out.
    public var subdivisionISO: String?
    public var subdivisionNames = Names()
    public var city: City?

    /// A settlement.
    public struct City: Equatable, Sendable {
        public var geonameID: UInt32?
        public var names = Names()
    }

    /// Names in the languages we show.
    public struct Names: Equatable, Sendable {
        public var english: String?
        public var russian: String?
    }

    /// The code that targeting uses: "RU-MOW"; nil when country or subdivision is unknown.
    public var regionCode: String? {
        guard let countryISO, let subdivisionISO else { return nil }
        return "\(countryISO)-\(subdivisionISO)"
    }
}

/// A MaxMind database (`.mmdb`, City schema), memory-mapped. A newer file is a new object.
///
/// Unchecked: the handle is written by `init` alone; libmaxminddb documents lookups on one handle as safe from any
/// number of threads; it is closed when the last reference goes. The file must be replaced by renaming, never
/// written in place, as for every memory-mapped file.
public final class GeoDatabase: @unchecked Sendable {
    private let handle: UnsafeMutablePointer<MMDB_s>
    private let paths = FieldPaths()
    /// Type named by the file, "GeoLite2-City".
    public let type: String
    /// When the file was built, seconds since the Unix epoch.
    public let builtAtSeconds: UInt64

    /// Opens the file and walks its structure once; a file that lies about itself is refused.
    public init(path: String) throws(GeoError) {
        handle = .allocate(capacity: 1)
        let status = MMDB_open(path, UInt32(MMDB_MODE_MMAP), handle)
        guard status == MMDB_SUCCESS else {
            handle.deallocate()
            let unreadable = status == MMDB_FILE_OPEN_ERROR || status == MMDB_IO_ERROR
            throw GeoError(
                code: unreadable ? "geo_unreadable" : "geo_corrupt",
                message: "the geo database \(path) cannot be used: \(String(cString: MMDB_strerror(status)))")
        }
        type = handle.pointee.metadata.database_type.map { String(cString: $0) } ?? ""
        builtAtSeconds = handle.pointee.metadata.build_epoch
        if let problem = treeProblem() {
            // `deinit` runs for a fully initialised object, so the handle is closed there.
            throw GeoError(code: "geo_corrupt", message: "the geo database \(path) cannot be used: \(problem)")
        }
    }

    deinit {
        MMDB_close(handle)
        handle.deallocate()
    }

    // MARK: Lookup

    /// What is known of an IPv4 or IPv6 address in text; nil when it is no address or nothing is known.
    public func lookup(_ text: String) -> GeoRecord? {
        // C would stop reading at a NUL and take the rest for granted.
        guard !text.utf8.contains(0) else { return nil }
        var v4 = in_addr()
        if inet_pton(AF_INET, text, &v4) == 1 { return withUnsafeBytes(of: &v4) { lookup(bytes: $0) } }
        var v6 = in6_addr()
        if inet_pton(AF_INET6, text, &v6) == 1 { return withUnsafeBytes(of: &v6) { lookup(bytes: $0) } }
        return nil
    }

    /// The same for an address of 4 or 16 bytes in network order. An IPv4-mapped IPv6 address is its IPv4 one.
    public func lookup(bytes: UnsafeRawBufferPointer) -> GeoRecord? {
        var entry = MMDB_entry_s()
        return find(bytes, &entry) ? record(&entry) : nil
    }

    /// ISO 3166-2 code of the address's region, such as `RU-MOW`, as eight bytes of which the first is the lowest;
    /// 0 when it is unknown. For the path of a request: nothing is allocated.
    public func regionCode(bytes: UnsafeRawBufferPointer) -> UInt64 {
        var entry = MMDB_entry_s()
        guard find(bytes, &entry), let country = shortText(&entry, paths.country, limit: 3),
            let subdivision = shortText(&entry, paths.subdivision, limit: 4)
        else { return 0 }
        return country.bits | UInt64(0x2D) << UInt64(8 * country.count)
            | subdivision.bits << UInt64(8 * (country.count + 1))
    }

    private func shortText(
        _ entry: inout MMDB_entry_s, _ path: FieldPaths.Path, limit: Int
    ) -> (bits: UInt64, count: Int)? {
        guard let data = value(&entry, path), data.type == UInt32(MMDB_DATA_TYPE_UTF8_STRING),
            (1...limit).contains(Int(data.data_size)), let start = data.utf8_string
        else { return nil }
        let count = Int(data.data_size)
        var bits: UInt64 = 0
        for place in 0..<count { bits |= UInt64(UInt8(bitPattern: start[place])) << UInt64(8 * place) }
        return (bits, count)
    }

    /// Finds what is known of an address.
    private func find(_ bytes: UnsafeRawBufferPointer, _ entry: inout MMDB_entry_s) -> Bool {
        switch bytes.count {
        case 4:
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyMemory(from: bytes) }
            return find(&address, &entry)
        case 16:
            let mapped = bytes[0..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
            if mapped { return find(UnsafeRawBufferPointer(rebasing: bytes[12..<16]), &entry) }
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyMemory(from: bytes) }
            return find(&address, &entry)
        default: return false
        }
    }

    private func find<Address>(_ address: inout Address, _ entry: inout MMDB_entry_s) -> Bool {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                var error: Int32 = 0
                let result = MMDB_lookup_sockaddr(handle, address, &error)
                guard error == MMDB_SUCCESS, result.found_entry else { return false }
                entry = result.entry
                return true
            }
        }
    }

    private func record(_ entry: inout MMDB_entry_s) -> GeoRecord? {
        var record = GeoRecord()
        record.countryISO = text(&entry, paths.country)
        record.subdivisionISO = text(&entry, paths.subdivision)
        record.subdivisionNames = .init(
            english: text(&entry, paths.subdivisionEnglish), russian: text(&entry, paths.subdivisionRussian))
        var city = GeoRecord.City()
        city.geonameID = number(&entry, paths.cityID)
        city.names = .init(english: text(&entry, paths.cityEnglish), russian: text(&entry, paths.cityRussian))
        if city != GeoRecord.City() { record.city = city }
        return record == GeoRecord() ? nil : record
    }

    private func value(_ entry: inout MMDB_entry_s, _ path: FieldPaths.Path) -> MMDB_entry_data_s? {
        var data = MMDB_entry_data_s()
        guard MMDB_aget_value(&entry, &data, path.pointer) == MMDB_SUCCESS, data.has_data else { return nil }
        return data
    }

    private func text(_ entry: inout MMDB_entry_s, _ path: FieldPaths.Path) -> String? {
        guard let data = value(&entry, path), data.type == UInt32(MMDB_DATA_TYPE_UTF8_STRING),
            let start = data.utf8_string
        else { return nil }
        let bytes = UnsafeRawBufferPointer(start: start, count: Int(data.data_size))
        return String(validating: bytes, as: UTF8.self)
    }

    private func number(_ entry: inout MMDB_entry_s, _ path: FieldPaths.Path) -> UInt32? {
        guard let data = value(&entry, path) else { return nil }
        switch data.type {
        case UInt32(MMDB_DATA_TYPE_UINT32): return data.uint32
        case UInt32(MMDB_DATA_TYPE_UINT16): return UInt32(data.uint16)
        default: return nil
        }
    }

    // MARK: Checking

    /// Nodes that a file may have; the largest City files have fewer than twenty million.
    private static let nodeLimit: UInt32 = 200_000_000

    /// Reads every node of the search tree and the first record; a damaged tree shows here, not in a request.
    private func treeProblem() -> String? {
        let count = handle.pointee.metadata.node_count
        guard count > 0, count < Self.nodeLimit else { return "its number of nodes is impossible" }
        var samples: [MMDB_entry_s] = []
        for number in 0..<count {
            var node = MMDB_search_node_s()
            guard MMDB_read_node(handle, number, &node) == MMDB_SUCCESS else { return "its search tree is damaged" }
            for (type, entry, next) in [
                (node.left_record_type, node.left_record_entry, node.left_record),
                (node.right_record_type, node.right_record_entry, node.right_record),
            ] {
                switch Int32(type) {
                case MMDB_RECORD_TYPE_INVALID: return "its search tree points outside of the file"
                // A tree is written top down; a way back would be a circle.
                case MMDB_RECORD_TYPE_SEARCH_NODE where next <= UInt64(number) && next != 0 || next >= UInt64(count):
                    return "its search tree is damaged"
                case MMDB_RECORD_TYPE_DATA:
                    if samples.count < 1_024 { samples.append(entry) }
                default: break
                }
            }
        }
        for var sample in samples {
            var list: UnsafeMutablePointer<MMDB_entry_data_list_s>?
            let status = MMDB_get_entry_data_list(&sample, &list)
            MMDB_free_entry_data_list(list)
            guard status == MMDB_SUCCESS else { return "its records are damaged" }
        }
        return nil
    }
}
