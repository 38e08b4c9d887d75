import Foundation
import GeoIP
import Testing

/// Where databases lie: a small one with the tests, larger ones beside the repository.
enum GeoFiles {
    static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    static let shipped = here.appendingPathComponent("Data")
    static let larger = here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("shared/data/geo")

    static func contents(_ folder: URL) -> [URL] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.sorted().map { folder.appendingPathComponent($0) }
    }

    /// Says plainly what a run without the larger data leaves out.
    static func isPresent(_ name: String) -> Bool {
        let present = FileManager.default.fileExists(atPath: larger.appendingPathComponent(name).path)
        if !present {
            let note =
                "GeoIPTests: ../shared/data/geo/\(name) is absent; only the database shipped with the tests is used\n"
            FileHandle.standardError.write(Data(note.utf8))
        }
        return present
    }
}

/// One line of an `.expected.csv`.
struct ExpectedPlace {
    let ip: String
    let columns: [String: String]

    static func read(_ file: URL) throws -> [ExpectedPlace] {
        let lines = try String(contentsOf: file, encoding: .utf8).split(whereSeparator: \.isNewline)
        let header = lines[0].split(separator: ",").map(String.init)
        return lines.dropFirst().map { line in
            let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            return ExpectedPlace(ip: cells[0], columns: Dictionary(uniqueKeysWithValues: zip(header, cells)))
        }
    }

    func differences(from record: GeoRecord?) -> [String] {
        let found: [String: String?] = [
            "country_iso": record?.countryISO, "subdivision_iso": record?.subdivisionISO,
            "subdivision_en": record?.subdivisionNames.english, "subdivision_ru": record?.subdivisionNames.russian,
            "city_en": record?.city?.names.english, "city_ru": record?.city?.names.russian,
            "city_geoname_id": record?.city?.geonameID.map(String.init),
        ]
        return found.compactMap { name, value in
            let expected = columns[name] ?? ""
            return (value ?? "") == expected ? nil : "\(ip) \(name): \(value ?? "nothing") instead of \(expected)"
        }
    }
}

@Suite("geo lookup")
struct GeoLookupTests {
    private func check(_ database: URL, _ expected: URL) throws -> Int {
        let database = try GeoDatabase(path: database.path)
        let places = try ExpectedPlace.read(expected)
        let differences = places.flatMap { $0.differences(from: database.lookup($0.ip)) }
        #expect(differences == [])
        return places.count
    }

    @Test func findsEveryRegionOfTheShippedDatabase() throws {
        let count = try check(
            GeoFiles.shipped.appendingPathComponent("synthetic-RU-regions-City.mmdb"),
            GeoFiles.shipped.appendingPathComponent("synthetic-RU-regions-City.expected.csv"))
        #expect(count == 168)
    }

    @Test(.enabled(if: GeoFiles.isPresent("dbip-city-lite-2023-04-subset.mmdb")))
    func findsEveryPlaceOfADatabaseWithoutRegionCodes() throws {
        let count = try check(
            GeoFiles.larger.appendingPathComponent("dbip-city-lite-2023-04-subset.mmdb"),
            GeoFiles.larger.appendingPathComponent("dbip-city-lite-2023-04-subset.expected.csv"))
        #expect(count > 1_000)
    }

    @Test func namesTheRegionAsTargetingDoes() throws {
        let database = try shipped()
        #expect(database.type.hasSuffix("City"))
        #expect(database.builtAtSeconds > 0)
        let record = try #require(database.lookup("198.18.0.128"))
        #expect(record.regionCode == "RU-AD")
        #expect(record.city?.names.russian == "Майкоп")
        // A country without a region is still a country.
        #expect(database.lookup("203.0.113.64")?.countryISO == "RU")
        #expect(database.lookup("203.0.113.64")?.regionCode == nil)
    }

    @Test func theFormsOfOneAddressAgree() throws {
        let database = try shipped()
        let expected = database.lookup("198.18.0.128")
        #expect(expected != nil)
        let four: [UInt8] = [198, 18, 0, 128]
        #expect(four.withUnsafeBytes { database.lookup(bytes: $0) } == expected)
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] + four
        #expect(mapped.withUnsafeBytes { database.lookup(bytes: $0) } == expected)
        #expect(database.lookup("::ffff:198.18.0.128") == expected)
    }

    @Test(arguments: [
        "", "10.0.0.1", "256.1.1.1", "198.18.0", "::1", "not an address", "198.18.0.128/24", "198.18.0.128\0",
    ])
    func whatIsNoAddressOrUnknownHasNoRecord(_ text: String) throws {
        #expect(try shipped().lookup(text) == nil)
        let bytes = Array(text.utf8.prefix(3))
        #expect(try bytes.withUnsafeBytes { try shipped().lookup(bytes: $0) } == nil)
    }

    @Test func theCodeOfARegionIsTheRecords() throws {
        let database = try shipped()
        for region in 0..<83 {
            let bytes: [UInt8] = [198, 18, UInt8(region), 128]
            let code = bytes.withUnsafeBytes { database.regionCode(bytes: $0) }
            let text = String(
                decoding: (0..<8).map { UInt8(truncatingIfNeeded: code >> (8 * $0)) }.prefix { $0 != 0 }, as: UTF8.self)
            #expect(text == database.lookup("198.18.\(region).128")?.regionCode)
        }
        let unknown: [UInt8] = [10, 0, 0, 1]
        #expect(unknown.withUnsafeBytes { database.regionCode(bytes: $0) } == 0)
    }

    @Test func manyThreadsMayAskAtOnce() async throws {
        let database = try shipped()
        let hits = await withTaskGroup(of: Int.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    (0..<2_000).count { database.lookup("198.18.\(($0 + worker) % 83).128")?.countryISO == "RU" }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(hits == 16_000)
    }

    private func shipped() throws -> GeoDatabase {
        try GeoDatabase(path: GeoFiles.shipped.appendingPathComponent("synthetic-RU-regions-City.mmdb").path)
    }
}

@Suite("damaged geo databases")
struct DamagedGeoTests {
    private let addresses = ["1.1.1.1", "198.18.0.128", "81.2.69.142", "255.255.255.255", "::1", "2001:db8::1"]

    /// Nil when refused at opening.
    private func open(_ path: String) -> GeoDatabase? {
        do { return try GeoDatabase(path: path) } catch {
            #expect(["geo_corrupt", "geo_unreadable"].contains(error.code))
            #expect(error.message.contains(path))
            return nil
        }
    }

    @Test(.enabled(if: GeoFiles.isPresent("maxmind-bad-data")))
    func collectedOnesNeverCrash() throws {
        let files = GeoFiles.contents(GeoFiles.larger.appendingPathComponent("maxmind-bad-data"))
        #expect(files.count > 15)
        var refused = 0
        for file in files {
            guard let database = open(file.path) else {
                refused += 1
                continue
            }
            for address in addresses { _ = database.lookup(address) }
        }
        #expect(refused > 8)
    }

    @Test(.enabled(if: GeoFiles.isPresent("maxmind-test-data")))
    func otherSchemasOpenAndSayNothingWrong() throws {
        for file in GeoFiles.contents(GeoFiles.larger.appendingPathComponent("maxmind-test-data"))
        where file.pathExtension == "mmdb" {
            guard let database = open(file.path) else { continue }
            for address in addresses {
                if let country = database.lookup(address)?.countryISO { #expect(country.utf8.count == 2) }
            }
        }
    }

    @Test func missingAndForeignFilesAreRefused() throws {
        #expect(throws: GeoError.self) { try GeoDatabase(path: "/nonexistent/geo.mmdb") }
        #expect(throws: GeoError.self) { try GeoDatabase(path: #filePath) }
        #expect(throws: GeoError.self) { try GeoDatabase(path: "/dev/null") }
        #expect(throws: GeoError.self) { try GeoDatabase(path: "/tmp") }
    }

    /// Random damage to a good file: refused or answered, never a crash.
    @Test func randomDamageNeverCrashes() throws {
        let good = [UInt8](
            try Data(contentsOf: GeoFiles.shipped.appendingPathComponent("synthetic-RU-regions-City.mmdb")))
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nimb-geo-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let seed = UInt64.random(in: 0...UInt64.max)
        FileHandle.standardError.write(Data("randomDamageNeverCrashes: seed \(seed)\n".utf8))
        var generator = SeededGenerator(state: seed)
        var refused = 0
        for round in 0..<300 {
            var bytes = good
            switch round % 3 {
            case 0: bytes.removeLast(Int.random(in: 1..<bytes.count, using: &generator))
            case 1:
                for _ in 0..<8 {
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
                }
            default:
                let start = Int.random(in: 0..<bytes.count - 64, using: &generator)
                for i in start..<start + 64 { bytes[i] = .random(in: 0...255, using: &generator) }
            }
            let file = folder.appendingPathComponent("\(round).mmdb")
            try Data(bytes).write(to: file)
            guard let database = open(file.path) else {
                refused += 1
                continue
            }
            for address in addresses { _ = database.lookup(address) }
        }
        #expect(refused > 90, "seed \(seed)")
    }
}

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
