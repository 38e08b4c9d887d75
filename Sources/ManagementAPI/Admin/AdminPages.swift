import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// The cabinet under `/admin/`: one page for every address of the application, its assets under a versioned folder, and
/// a few files of Debian packages.
struct AdminPages: Sendable {
    private let site: AdminSite

    init(site: AdminSite) { self.site = site }

    /// Nothing from elsewhere, nothing inline, in no foreign frame; pictures may come from the media origin.
    static func policy(mediaBaseURL: String) -> String {
        "default-src 'self'; img-src 'self' \(mediaBaseURL); object-src 'none'; base-uri 'none'; form-action 'self'; "
            + "frame-ancestors 'none'"
    }

    /// Puts the pages on the management listener.
    static func install(on router: Router<ManagementContext>, services: ManagementServices, logger: Logger) throws {
        let site = try AdminSite(vendorFolder: services.javascriptFolder)
        for package in site.missingPackages {
            logger.warning(
                "the cabinet does without a Debian package: apt-get install \(package)",
                metadata: ["package": "\(package)", "folder": "\(services.javascriptFolder)"])
        }
        let pages = AdminPages(site: site)
        let policy = policy(mediaBaseURL: services.mediaBaseURL)
        router.get("/") { _, _ in
            Response(status: .found, headers: [.location: "/admin/", .cacheControl: "no-cache"])
        }
        // The router knows an address with and without its last slash as one.
        for path in ["/admin", "/admin/**"] {
            router.get(RouterPath(path)) { request, _ in
                var response = try pages.answer(request)
                response.headers[.contentSecurityPolicy] = policy
                if let name = HTTPField.Name("Referrer-Policy") { response.headers[name] = "same-origin" }
                if let name = HTTPField.Name("Cross-Origin-Opener-Policy") { response.headers[name] = "same-origin" }
                return response
            }
        }
        for path in ["/", "/admin", "/admin/**"] {
            RouteTable.refuseOthers(than: ["GET", "HEAD"], at: path, on: router)
        }
    }

    private func answer(_ request: Request) throws -> Response {
        let path = request.uri.path
        if let name = Self.rest(of: path, after: "/admin/vendor/") {
            return try file(site.vendor[name], request, "public, max-age=86400")
        }
        if let name = Self.rest(of: path, after: "/admin/assets/") {
            guard let name = Self.rest(of: name, after: site.version + "/") else { throw Problem.notFound }
            return try file(site.assets[name], request, "public, max-age=31536000, immutable")
        }
        return try file(site.index, request, "no-cache")
    }

    /// The name is only looked up among the files that were read at the start.
    private func file(_ file: AdminSite.File?, _ request: Request, _ caching: String) throws -> Response {
        guard let file else { throw Problem.notFound }
        var headers: HTTPFields = [.eTag: file.tag, .cacheControl: caching]
        if let known = request.headers[.ifNoneMatch], known.contains(file.tag) {
            return Response(status: .notModified, headers: headers)
        }
        headers[.contentType] = file.contentType
        return Response(
            status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: file.bytes)))
    }

    private static func rest(of path: String, after prefix: String) -> String? {
        path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : nil
    }
}
