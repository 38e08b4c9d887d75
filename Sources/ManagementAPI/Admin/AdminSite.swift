import AdminFiles
import Crypto
import Foundation

/// The cabinet's files, read once when the listener starts: whatever is not among them does not exist, so no address
/// can lead anywhere else on the disk.
public struct AdminSite: Sendable {
    /// A file of a Debian package that the pages use, under a fixed name.
    public struct VendorFile: Equatable, Sendable {
        /// Name under `/admin/vendor/`.
        public var name: String
        /// Where it lies under the folder of Debian's JavaScript packages.
        public var path: String
        /// Package that brings it.
        public var package: String
    }

    /// Everything foreign that the pages may load.
    public static let vendorFiles = [
        VendorFile(
            name: "bootstrap-reboot.min.css", path: "bootstrap5/css/bootstrap-reboot.min.css",
            package: "libjs-bootstrap5"),
        VendorFile(name: "chart.min.js", path: "chart.js/chart.min.js", package: "libjs-chart.js"),
    ]
    /// Where Debian puts them.
    public static let debianFolder = "/usr/share/javascript"
    /// Files of the cabinet, and bytes of one of them or of a vendor file.
    static let fileLimit = 400
    static let byteLimit = 2 << 20

    /// Why the pages cannot be served.
    public enum LoadError: Error, Equatable, Sendable {
        case noIndex(String)
        case tooManyFiles
        case fileTooLarge(String)

        /// Stable word of the error.
        public var code: String {
            switch self {
            case .noIndex: "admin_no_index"
            case .tooManyFiles: "admin_too_many_files"
            case .fileTooLarge: "admin_file_too_large"
            }
        }

        public var isRetryable: Bool { false }
    }

    struct File: Sendable {
        var bytes: [UInt8]
        var contentType: String
        /// Quoted hash of the bytes.
        var tag: String

        init(_ bytes: [UInt8], _ contentType: String) {
            self.bytes = bytes
            self.contentType = contentType
            tag = "\"\(AdminSite.hex(SHA256.hash(data: bytes)).prefix(32))\""
        }
    }

    /// The page that every address of the application is answered with.
    let index: File
    /// By name under `/admin/assets/<version>/`.
    let assets: [String: File]
    /// By name under `/admin/vendor/`.
    let vendor: [String: File]
    /// Hash of all assets: part of their addresses, so that browsers may keep them for good.
    public let version: String
    /// Debian packages that are not installed; the pages say so and do without.
    public let missingPackages: [String]

    /// - Parameters:
    ///   - folder: the cabinet's files; `index.html` is the page.
    ///   - vendorFolder: where Debian's JavaScript packages are installed.
    public init(folder: URL = AdminFiles.folder, vendorFolder: String = AdminSite.debianFolder) throws {
        var files: [String: File] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted() {
            guard let type = Self.contentType(of: name) else { continue }
            guard files.count < Self.fileLimit else { throw LoadError.tooManyFiles }
            files[name] = File(try Self.read(folder.appendingPathComponent(name)), type)
        }
        guard let page = files.removeValue(forKey: "index.html") else { throw LoadError.noIndex(folder.path) }
        var vendor: [String: File] = [:]
        var missing: Set<String> = []
        for wanted in Self.vendorFiles {
            let place = URL(fileURLWithPath: vendorFolder).appendingPathComponent(wanted.path)
            guard FileManager.default.isReadableFile(atPath: place.path), let type = Self.contentType(of: wanted.name)
            else {
                missing.insert(wanted.package)
                continue
            }
            vendor[wanted.name] = File(try Self.read(place), type)
        }
        var hash = SHA256()
        for (name, file) in files.sorted(by: { $0.key < $1.key }) {
            hash.update(data: Array("\(name) \(file.tag)\n".utf8))
        }
        let version = String(Self.hex(hash.finalize()).prefix(16))
        assets = files
        self.vendor = vendor
        self.version = version
        missingPackages = missing.sorted()
        // Modules import each other; naming them in the page saves a round trip for each step of the graph.
        let modules = files.keys.filter { $0.hasSuffix(".js") }.sorted()
            .map { "<link rel=\"modulepreload\" href=\"/admin/assets/\(version)/\($0)\">" }.joined(separator: "\n")
        let html = String(decoding: page.bytes, as: UTF8.self)
            .replacingOccurrences(of: "/admin/assets/", with: "/admin/assets/\(version)/")
            .replacingOccurrences(of: "<!-- modules -->", with: modules)
            .replacingOccurrences(
                of: "<!-- packages -->",
                with: "<meta name=\"nimb-missing\" content=\"\(missingPackages.joined(separator: " "))\">")
        index = File(Array(html.utf8), page.contentType)
    }

    private static func read(_ place: URL) throws -> [UInt8] {
        let data = try Data(contentsOf: place)
        guard data.count <= byteLimit else { throw LoadError.fileTooLarge(place.lastPathComponent) }
        return Array(data)
    }

    /// Only what a page consists of; anything else in the folder is not served.
    private static func contentType(of name: String) -> String? {
        switch URL(fileURLWithPath: name).pathExtension {
        case "html": "text/html; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "svg": "image/svg+xml"
        default: nil
        }
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }
}
