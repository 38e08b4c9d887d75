import CLibZip

/// Reads ZIP files that this program wrote: whole, in memory, with limits.
public enum ZipReader {
    /// The entries in the order of the archive.
    /// - Throws: `ArchiveError` when the bytes are not an archive, are damaged (each entry's CRC is checked) or pass a
    ///   limit.
    public static func entries(of bytes: [UInt8]) throws(ArchiveError) -> [ArchiveEntry] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
        defer { buffer.deallocate() }
        buffer.copyBytes(from: bytes)
        var error = zip_error_t()
        zip_error_init(&error)
        defer { zip_error_fini(&error) }
        func failure(_ text: String) -> ArchiveError { ArchiveError(code: "archive_read", message: text) }
        guard let source = zip_source_buffer_create(buffer.baseAddress, zip_uint64_t(bytes.count), 0, &error) else {
            throw failure(String(cString: zip_error_strerror(&error)))
        }
        guard let archive = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error) else {
            zip_source_free(source)
            throw failure(String(cString: zip_error_strerror(&error)))
        }
        defer { zip_discard(archive) }
        let count = zip_get_num_entries(archive, 0)
        guard (0...zip_int64_t(ArchiveLimits.entries)).contains(count) else { throw failure("too many entries") }
        var entries: [ArchiveEntry] = []
        var total = 0
        for index in 0..<zip_uint64_t(count) {
            var stat = zip_stat_t()
            zip_stat_init(&stat)
            guard zip_stat_index(archive, index, 0, &stat) == 0, let name = stat.name else {
                throw failure("entry \(index) has no name")
            }
            total += Int(clamping: stat.size)
            guard total <= ArchiveLimits.totalBytes else { throw failure("too many bytes") }
            guard let file = zip_fopen_index(archive, index, 0) else {
                throw failure("entry \(index) cannot be opened")
            }
            defer { zip_fclose(file) }
            let size = Int(stat.size)
            var read: zip_int64_t = 0
            let contents = [UInt8](unsafeUninitializedCapacity: size) { target, filled in
                read = zip_fread(file, target.baseAddress, zip_uint64_t(size))
                filled = max(Int(read), 0)
            }
            // libzip compares the CRC when it meets the end of the entry, so ask for one byte more.
            var extra: UInt8 = 0
            guard read == zip_int64_t(size), zip_fread(file, &extra, 1) == 0 else {
                throw failure("\(String(cString: name)) is damaged")
            }
            entries.append(ArchiveEntry(name: String(cString: name), bytes: contents))
        }
        return entries
    }
}
