import Imaging
import Testing

@Suite("Own drawings become pictures")
struct DrawingTests {
    static let square = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10" preserveAspectRatio="xMidYMid slice">\
        <rect width="10" height="10" fill="#0a7"/><circle cx="5" cy="5" r="3" fill="#fff"/></svg>
        """

    @Test func aDrawingIsDrawnAtTheSizeThatIsAskedFor() async throws {
        let png = try Drawing.png(svg: Self.square, width: 64, height: 16)
        let picture = try await PictureDecoder().decode(png)
        #expect(picture.contentType == "image/png")
        #expect(picture.width == 64 && picture.height == 16)
        #expect(try Drawing.png(svg: Self.square, width: 64, height: 16) == png, "the same drawing, other bytes")
    }

    @Test func whatIsNoDrawingIsRefused() {
        #expect(throws: PictureError.self) { try Drawing.png(svg: "<p>no</p>", width: 8, height: 8) }
        #expect(throws: PictureError.self) { try Drawing.png(svg: "<svg broken", width: 8, height: 8) }
        #expect(throws: PictureError.self) { try Drawing.png(svg: Self.square, width: 0, height: 8) }
        #expect(throws: PictureError.self) { try Drawing.png(svg: Self.square, width: 9_000, height: 8) }
    }
}
