import CLibZip

/// Writes ZIP files that are the same, byte for byte, for the same entries.
///
/// Entries lie in byte order of their names, carry the time 1980-01-01 00:00 (the zero of the format, so no zone
/// matters) and are stored, not deflated: a newer zlib could deflate the same bytes differently, and the hash of an
/// export must not depend on it. There are no directory entries.
public enum ZipWriter {
    /// - Throws: `ArchiveError` when there is no entry, a name is empty, absolute, a directory, climbs up or occurs twice, when a limit is
    ///   passed, or when libzip fails.
    public static func bytes(of entries: [ArchiveEntry]) throws(ArchiveError) -> [UInt8] {
        let sorted = entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        try check(sorted)
        var error = zip_error_t()
        zip_error_init(&error)
        defer { zip_error_fini(&error) }
        guard let target = zip_source_buffer_create(nil, 0, 0, &error) else { throw failure(&error) }
        // libzip closes and frees what it is given; this reference lets the result be read afterwards.
        zip_source_keep(target)
        defer { zip_source_free(target) }
        guard let archive = zip_open_from_source(target, ZIP_TRUNCATE, &error) else {
            zip_source_free(target)
            throw failure(&error)
        }
        // libzip reads the contents only when it closes the archive, so they need an address until then.
        var buffers: [UnsafeMutableRawBufferPointer] = []
        defer { for buffer in buffers { buffer.deallocate() } }
        for entry in sorted {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(entry.bytes.count, 1), alignment: 1)
            buffers.append(buffer)
            buffer.copyBytes(from: entry.bytes)
            guard add(entry.name, UnsafeRawBufferPointer(rebasing: buffer[..<entry.bytes.count]), to: archive) else {
                let message = String(cString: zip_error_strerror(zip_get_error(archive)))
                zip_discard(archive)
                throw ArchiveError(code: "archive_write", message: "\(entry.name): \(message)")
            }
        }
        guard zip_close(archive) == 0 else {
            let message = String(cString: zip_error_strerror(zip_get_error(archive)))
            zip_discard(archive)
            throw ArchiveError(code: "archive_write", message: message)
        }
        return try contents(of: target)
    }

    private static func check(_ sorted: [ArchiveEntry]) throws(ArchiveError) {
        // libzip deletes an archive without entries instead of writing it.
        guard !sorted.isEmpty else { throw ArchiveError(code: "archive_empty", message: "there is nothing to write") }
        guard sorted.count <= ArchiveLimits.entries,
            sorted.reduce(0, { $0 + $1.bytes.count }) <= ArchiveLimits.totalBytes
        else {
            throw ArchiveError(
                code: "archive_too_large",
                message: "at most \(ArchiveLimits.entries) files and \(ArchiveLimits.totalBytes) bytes")
        }
        var previous: String?
        for entry in sorted {
            let parts = entry.name.split(separator: "/", omittingEmptySubsequences: false)
            let isPlain = parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
            guard isPlain, entry.name.utf8.count <= ArchiveLimits.nameBytes,
                !entry.name.utf8.contains(where: { $0 < 0x20 || $0 == 0x5C })
            else {
                throw ArchiveError(
                    code: "archive_entry_name", message: "\"\(entry.name)\" is not a relative path of a file")
            }
            guard entry.name != previous else {
                throw ArchiveError(code: "archive_entry_name", message: "\"\(entry.name)\" is there twice")
            }
            previous = entry.name
        }
    }

    private static func add(_ name: String, _ bytes: UnsafeRawBufferPointer, to archive: OpaquePointer) -> Bool {
        guard let source = zip_source_buffer(archive, bytes.baseAddress, zip_uint64_t(bytes.count), 0) else {
            return false
        }
        let index = zip_file_add(archive, name, source, zip_flags_t(ZIP_FL_ENC_UTF_8))
        guard index >= 0 else {
            zip_source_free(source)
            return false
        }
        let entry = zip_uint64_t(index)
        // 33 is 1980-01-01 in the date format of MS-DOS.
        return zip_file_set_dostime(archive, entry, 0, 33, 0) == 0
            && zip_set_file_compression(archive, entry, zip_int32_t(ZIP_CM_STORE), 0) == 0
            && zip_file_set_external_attributes(archive, entry, 0, zip_uint8_t(ZIP_OPSYS_UNIX), 0o100644 << 16) == 0
    }

    private static func contents(of source: OpaquePointer) throws(ArchiveError) -> [UInt8] {
        func failure() -> ArchiveError {
            ArchiveError(
                code: "archive_write", message: String(cString: zip_error_strerror(zip_source_error(source))))
        }
        guard zip_source_open(source) == 0 else { throw failure() }
        defer { zip_source_close(source) }
        guard zip_source_seek(source, 0, SEEK_END) == 0 else { throw failure() }
        let size = zip_source_tell(source)
        guard size >= 0, zip_source_seek(source, 0, SEEK_SET) == 0 else { throw failure() }
        var read: zip_int64_t = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            read = zip_source_read(source, buffer.baseAddress, zip_uint64_t(size))
            count = max(Int(read), 0)
        }
        guard read == size else { throw failure() }
        return bytes
    }

    private static func failure(_ error: inout zip_error_t) -> ArchiveError {
        ArchiveError(code: "archive_write", message: String(cString: zip_error_strerror(&error)))
    }
}
