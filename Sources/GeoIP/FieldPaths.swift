import Glibc

/// The places that are read, as the null-terminated arrays of C strings that `MMDB_aget_value` takes.
///
/// Unchecked: written once by `init`, read by any thread afterwards, freed with the database.
final class FieldPaths: @unchecked Sendable {
    struct Path {
        let pointer: UnsafePointer<UnsafePointer<CChar>?>
        fileprivate let storage: UnsafeMutableBufferPointer<UnsafePointer<CChar>?>

        init(_ names: [String]) {
            storage = .allocate(capacity: names.count + 1)
            for (i, name) in names.enumerated() {
                storage.initializeElement(at: i, to: strdup(name).map { UnsafePointer($0) })
            }
            storage.initializeElement(at: names.count, to: nil)
            pointer = UnsafePointer(storage.baseAddress ?? UnsafeMutablePointer.allocate(capacity: 1))
        }
    }

    let country = Path(["country", "iso_code"])
    let subdivision = Path(["subdivisions", "0", "iso_code"])
    let subdivisionEnglish = Path(["subdivisions", "0", "names", "en"])
    let subdivisionRussian = Path(["subdivisions", "0", "names", "ru"])
    let cityID = Path(["city", "geoname_id"])
    let cityEnglish = Path(["city", "names", "en"])
    let cityRussian = Path(["city", "names", "ru"])

    deinit {
        for path in [
            country, subdivision, subdivisionEnglish, subdivisionRussian, cityID, cityEnglish, cityRussian,
        ] {
            for name in path.storage { free(UnsafeMutablePointer(mutating: name)) }
            path.storage.deallocate()
        }
    }
}
