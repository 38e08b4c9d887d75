import AdFormats
import DeliveryAPI
import Foundation
import Testing

@Suite("The tag at the edge", .blocking) struct TagTests {
    /// The tag as it ships, from the source tree.
    private static func tag() throws -> TagFiles {
        var files: [String: [UInt8]] = [:]
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("adformats/_tag")
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            files[name] = [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
        }
        return try TagFiles(files, stylesheet: String(decoding: files["nimb.css"] ?? [], as: UTF8.self))
    }

    private static let gzip = ["Accept-Encoding": "br, gzip", "Origin": "https://page.test"]

    @Test(arguments: ["nimb.js", "nimb.mjs"])
    func aFormIsSmallCompressedCacheableAndOpenToEveryPage(name: String) async throws {
        let world = try EdgeWorld(tag: Self.tag())
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            let answer = try connection.get("/tag/\(name)", headers: Self.gzip)
            #expect(answer.status == 200)
            #expect(answer.header("content-encoding") == "gzip")
            #expect(answer.body.count <= 8_192, "\(name) has \(answer.body.count) bytes compressed")
            #expect(answer.header("content-type") == "text/javascript; charset=utf-8")
            #expect(answer.header("x-content-type-options") == "nosniff")
            #expect(answer.header("cache-control")?.contains("max-age=3600") == true)
            #expect(answer.header("vary") == "accept-encoding")
            #expect(answer.headers.filter { $0.name == "access-control-allow-origin" }.map(\.value) == ["*"])
            #expect(answer.header("access-control-allow-credentials") == nil)

            let plain = try connection.get("/tag/\(name)")
            #expect(plain.header("content-encoding") == nil)
            #expect(plain.text.contains("data-nimb-slot"))
            #expect(plain.header("etag") != answer.header("etag"), "each form of the bytes has a tag of its own")
            let refused = try connection.get("/tag/\(name)", headers: ["Accept-Encoding": "gzip;q=0, identity"])
            #expect(refused.header("content-encoding") == nil)

            let tag = try #require(answer.header("etag"))
            let known = try connection.get(
                "/tag/\(name)", headers: ["Accept-Encoding": "gzip", "If-None-Match": "\"x\", \(tag)"])
            #expect(known.status == 304)
            #expect(known.header("etag") == tag)
            #expect(known.body.isEmpty)
        }
    }

    @Test func whatIsNoFileOfTheTagIsNotFound() async throws {
        let world = try EdgeWorld(tag: Self.tag())
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            for path in ["/tag/", "/tag/page.js", "/tag/nimb.js/x", "/tag/../nimb.js"] {
                #expect(try connection.get(path).code == "not_found", "\(path)")
            }
            #expect(try connection.get("/tag/nimb.css").header("content-type") == "text/css; charset=utf-8")
            let post = try connection.post("/tag/nimb.js", "{}")
            #expect(post.status == 405)
        }
        let bare = try EdgeWorld()
        try await bare.serving { port in
            let answer = try RawConnection(port: port).get("/tag/nimb.js")
            #expect(answer.code == "not_found")
        }
    }

    @Test func aPageAsksForAdsWithoutAPreflight() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            for type in ["text/plain", "text/plain;charset=UTF-8"] {
                let connection = try RawConnection(port: port)
                let headers = ["Content-Type": type, "Origin": "https://shop.test"]
                for _ in 0..<2 {
                    let answer = try connection.post("/v1/placements", EdgeWorld.page(), headers: headers)
                    #expect(answer.status == 200, "\(type): \(answer.text)")
                    #expect(answer.header("access-control-allow-origin") == "https://shop.test")
                }
                let order = try connection.post("/v1/orders", "{}", headers: headers)
                #expect(order.code == "unsupported_media_type", "servers say what they send")
            }
        }
    }
}
