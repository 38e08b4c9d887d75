import Archive
import Testing

@Suite struct ZipTests {
    private let entries = [
        ArchiveEntry(name: "persons.ndjson", bytes: Array("{\"name\":\"ООО Ромашка\"}\n".utf8)),
        ArchiveEntry(name: "manifest.json", bytes: []),
        ArchiveEntry(name: "media/aa.png", bytes: (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }),
    ]

    @Test func `what was written is read back in byte order of names`() throws {
        let bytes = try ZipWriter.bytes(of: entries)
        let read = try ZipReader.entries(of: bytes)
        #expect(read.map(\.name) == ["manifest.json", "media/aa.png", "persons.ndjson"])
        #expect(read == entries.sorted { $0.name < $1.name })
    }

    @Test func `the order of the entries does not change a byte`() throws {
        #expect(try ZipWriter.bytes(of: entries) == ZipWriter.bytes(of: entries.reversed()))
    }

    /// The whole file, spelled out: a newer library that writes anything else must be noticed.
    @Test func `the bytes are the ones of the format and nothing else`() throws {
        let bytes = try ZipWriter.bytes(of: [ArchiveEntry(name: "a", bytes: Array("hi".utf8))])
        let crc: [UInt8] = [0xAC, 0x2A, 0x93, 0xD8]
        let header: [UInt8] = [0x0A, 0, 0, 0, 0, 0, 0, 0, 0x21, 0] + crc + [2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0]
        let local: [UInt8] = [0x50, 0x4B, 3, 4] + header + Array("a".utf8) + Array("hi".utf8)
        #expect(Array(bytes.prefix(local.count)) == local)
        #expect(Array(bytes[12..<14]) == [0x21, 0], "1980-01-01")
    }

    @Test(arguments: ["", "/a", "a/", "a//b", "../a", "a/../b", "a\\b", "a\nb"])
    func `a name that is not a plain relative path is refused`(name: String) {
        #expect(throws: ArchiveError.self) { try ZipWriter.bytes(of: [ArchiveEntry(name: name, bytes: [1])]) }
    }

    @Test func `the same name twice is refused`() {
        let twice = [ArchiveEntry(name: "a", bytes: [1]), ArchiveEntry(name: "a", bytes: [2])]
        #expect { try ZipWriter.bytes(of: twice) } throws: { ($0 as? ArchiveError)?.code == "archive_entry_name" }
    }

    @Test func `an archive of nothing is refused`() {
        #expect { try ZipWriter.bytes(of: []) } throws: { ($0 as? ArchiveError)?.code == "archive_empty" }
    }

    @Test func `damaged bytes are refused`() throws {
        var bytes = try ZipWriter.bytes(of: entries)
        bytes[200] ^= 0xFF
        #expect(throws: ArchiveError.self) { try ZipReader.entries(of: bytes) }
        #expect(throws: ArchiveError.self) { try ZipReader.entries(of: Array("not a zip".utf8)) }
    }
}
