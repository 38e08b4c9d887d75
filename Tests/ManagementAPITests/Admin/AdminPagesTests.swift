import Foundation
import ManagementAPI
import Postgres
import TestKit
import Testing

/// The cabinet's files as a browser gets them.
@Suite(.database) struct AdminPagesBehaviour {
    private func serving(
        javascript folder: String = AdminSite.debianFolder, _ body: (HTTPProbe) async throws -> Void
    ) async throws {
        try await IdentityWorld().serving({ $0.javascriptFolder = folder }, body)
    }

    @Test func everyAddressOfTheApplicationIsAnsweredWithItsOnePage() async throws {
        try await serving { probe in
            let paths = ["/admin", "/admin/", "/admin/campaigns", "/admin/campaigns/cmp-1.a", "/admin/password"]
            var pages: Set<String> = []
            for path in paths {
                let answer = try await probe.get(path)
                #expect(answer.status == 200, "\(path)")
                #expect(answer.headers["content-type"] == "text/html; charset=utf-8")
                #expect(answer.headers["cache-control"] == "no-cache")
                pages.insert(answer.text)
            }
            #expect(pages.count == 1)
        }
    }

    @Test func thePolicyAdmitsNothingInlineAndNothingFromElsewhere() async throws {
        try await serving { probe in
            let answer = try await probe.get("/admin/")
            let policy = answer.headers["content-security-policy"] ?? ""
            #expect(policy.hasPrefix("default-src 'self'; img-src 'self' http://127.0.0.1:8082;"))
            #expect(policy.contains("frame-ancestors 'none'"))
            #expect(!policy.contains("unsafe"))
            #expect(answer.headers["x-content-type-options"] == "nosniff")
            #expect(answer.headers["referrer-policy"] == "same-origin")
            // What the policy would refuse must not be there in the first place.
            #expect(!answer.text.contains("<style"))
            #expect(answer.text.ranges(of: "<script").count == answer.text.ranges(of: "<script src=").count + 1)
            #expect(answer.text.contains("<script type=\"module\" src="))
            #expect(!answer.text.contains(" style="))
        }
    }

    @Test func assetsKeepForeverUnderAnAddressThatChangesWithThem() async throws {
        try await serving { probe in
            let page = try await probe.get("/admin/").text
            let path = try #require(
                page.firstMatch(of: /\/admin\/assets\/[0-9a-f]{16}\/js\/app\.js/).map { String($0.output) })
            let asset = try await probe.get(path)
            #expect(asset.status == 200)
            #expect(asset.headers["content-type"] == "text/javascript; charset=utf-8")
            #expect(asset.headers["cache-control"] == "public, max-age=31536000, immutable")
            let tag = try #require(asset.headers["etag"])
            let again = try await probe.get(path, headers: ["If-None-Match": tag])
            #expect(again.status == 304)
            #expect(again.body.isEmpty)
            for module in page.matches(of: /modulepreload" href="([^"]+)"/) {
                #expect(try await probe.get(String(module.output.1)).status == 200, "\(module.output.1)")
            }
        }
    }

    @Test(arguments: [
        "/admin/assets/js/app.js", "/admin/assets/0123456789abcdef/js/app.js", "/admin/vendor/bootstrap.min.js",
        "/admin/vendor/../../../etc/passwd", "/admin/vendor/..%2F..%2F..%2Fetc%2Fpasswd", "/admin/vendor/",
        "/admin/vendor/chart.js/chart.min.js", "/admin/vendor/%2Fetc%2Fpasswd",
        "/admin/assets/../../../../etc/passwd", "/admin/vendor/chart.min.js%00.css",
    ])
    func whatIsNotAmongTheFilesDoesNotExist(path: String) async throws {
        try await serving { probe in
            let answer = try await RawRequest.get(path, port: probe.port)
            #expect(answer.hasPrefix("HTTP/1.1 404"), "\(path): \(answer.prefix(60))")
            #expect(!answer.contains("root:"))
        }
    }

    @Test func everyFileOfTheVersionIsServedAndNoOther() async throws {
        let site = try AdminSite()
        try await serving { probe in
            for name in ["index.html", "..", "js", "js/", "js/nothing.js", "js/../css/base.css", "%6As/app.js"] {
                let answer = try await RawRequest.get("/admin/assets/\(site.version)/\(name)", port: probe.port)
                #expect(answer.hasPrefix("HTTP/1.1 404"), "\(name)")
            }
            #expect(try await probe.get("/admin/assets/\(site.version)/css/base.css").status == 200)
        }
    }

    @Test func theFilesOfDebianAreServedByFixedNames() async throws {
        try await serving { probe in
            for file in AdminSite.vendorFiles {
                let answer = try await probe.get("/admin/vendor/\(file.name)")
                #expect(answer.status == 200, "\(file.name)")
                #expect(answer.headers["cache-control"] == "public, max-age=86400")
                #expect(answer.headers["x-content-type-options"] == "nosniff")
                let known = ["If-None-Match": answer.headers["etag"] ?? ""]
                #expect(try await probe.get("/admin/vendor/\(file.name)", headers: known).status == 304)
            }
            let page = try await probe.get("/admin/").text
            #expect(page.contains("name=\"nimb-missing\" content=\"\""))
        }
    }

    @Test func withoutThePackagesThePageSaysWhichAreMissing() async throws {
        try await serving(javascript: "/nowhere") { probe in
            let page = try await probe.get("/admin/")
            #expect(page.status == 200)
            #expect(page.text.contains("name=\"nimb-missing\" content=\"libjs-bootstrap5 libjs-chart.js\""))
            #expect(try await probe.get("/admin/vendor/chart.min.js").status == 404)
        }
        #expect(try AdminSite(vendorFolder: "/nowhere").missingPackages == ["libjs-bootstrap5", "libjs-chart.js"])
    }

    @Test func pagesAreReadOnly() async throws {
        try await serving { probe in
            for method in ["POST", "DELETE", "PUT"] {
                let answer = try await probe.send(method, "/admin/campaigns", body: Data())
                #expect(answer.status == 405)
            }
            #expect(try await probe.send("HEAD", "/admin/").status == 200)
        }
    }

    @Test func aFolderWithoutAPageIsRefusedAtTheStart() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nimb-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(throws: AdminSite.LoadError.noIndex(folder.path)) { try AdminSite(folder: folder) }
        try Data("<html></html>".utf8).write(to: folder.appendingPathComponent("index.html"))
        let first = try AdminSite(folder: folder).version
        try Data("body {}".utf8).write(to: folder.appendingPathComponent("a.css"))
        #expect(try AdminSite(folder: folder).version != first, "the version follows the files")
    }

    @Test func mailsLeadToPagesOfTheCabinet() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let answer = try await probe.send(
                "POST", "/v1/password-resets", body: Data(#"{"email":"maria@people.test"}"#.utf8),
                headers: ["Content-Type": "application/json"])
            #expect(answer.status == 202)
        }
        let bodies = try await TestDatabase.current.pool.withConnection { db in
            try db.query("select body from mail_outbox").map { try $0.stringIfPresent("body") ?? "" }
        }
        #expect(bodies.contains { $0.contains("https://ads.shop.test/admin/password#token=") })
    }
}

/// What metrics mean, for whoever shows them.
@Suite(.database) struct MetricRegistryBehaviour {
    @Test func everySignedInPersonReadsTheDefinitionsAndTheCalendar() async throws {
        let world = try await IdentityWorld()
        try await world.serving { probe in
            let person = Person(probe)
            try await person.signIn(IdentityWorld.email("ana"), IdentityWorld.password("ana"))
            let answer = try await person.get("/v1/reports/metrics")
            #expect(answer.status == 200)
            #expect(answer["accounting_zone"] == "Europe/Moscow")
            #expect(answer["today"] == "2026-11-21")
            let metrics = answer.json["metrics"] as? [[String: Any]] ?? []
            let spend = metrics.first { $0["name"] as? String == "spend_micros" }
            #expect((spend?["title"] as? [String: String])?["ru"] == "Расход")
            #expect(metrics.allSatisfy { ($0["definition"] as? [String: String])?["en"]?.isEmpty == false })
        }
    }

    @Test func nobodyElseDoes() async throws {
        try await IdentityWorld().serving { probe in
            let answer = try await probe.get("/v1/reports/metrics")
            #expect(answer.status == 401)
        }
    }
}
