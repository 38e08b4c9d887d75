import CVips

/// The calls to libvips. Everything here blocks.
enum Vips {
    /// libvips is started once, for the process.
    private static let isReady: Bool = nimb_vips_start() == 0

    static func decode(
        _ bytes: [UInt8], _ type: PictureType, _ limits: PictureLimits
    ) throws(PictureError) -> DecodedPicture {
        guard isReady else { throw PictureError(code: .busy, message: "pictures cannot be decoded at the moment") }
        // libvips keeps messages per process; ours are our own.
        defer { vips_error_clear() }
        let seconds = limits.time.components
        let deadline = UnsafeMutablePointer<gint64>.allocate(capacity: 1)
        let micros: Int64 = seconds.seconds * 1_000_000 + seconds.attoseconds / 1_000_000_000_000
        deadline.initialize(to: gint64(g_get_monotonic_time()) + gint64(micros))
        defer { deadline.deallocate() }
        var result: Result<DecodedPicture, PictureError> = .failure(damaged)
        bytes.withUnsafeBytes { buffer in
            result = Result { () throws(PictureError) in try decode(buffer, type, limits, deadline) }
        }
        if case .failure(let error) = result, error.code == .damaged, g_get_monotonic_time() > deadline.pointee {
            throw PictureError(code: .tooSlow, message: "decoding took too long; use a smaller picture")
        }
        return try result.get()
    }

    /// Draws SVG text at the size that it says, as PNG.
    static func draw(svg: String) throws(PictureError) -> [UInt8] {
        guard isReady else { throw PictureError(code: .busy, message: "pictures cannot be drawn at the moment") }
        defer { vips_error_clear() }
        var output: UnsafeMutableRawPointer?
        var count = 0
        // The text is decoded while it is saved, so it must stay until then.
        let failed = Array(svg.utf8).withUnsafeBytes { buffer in
            guard let image = nimb_vips_draw(buffer.baseAddress, buffer.count) else { return Int32(-1) }
            defer { nimb_vips_unref(image) }
            return nimb_vips_save(image, NIMB_PNG, &output, &count)
        }
        defer { g_free(output) }
        guard failed == 0, let output, count > 0 else {
            throw PictureError(code: .damaged, message: "the text is no SVG drawing")
        }
        return [UInt8](UnsafeRawBufferPointer(start: output, count: count))
    }

    private static let damaged = PictureError(
        code: .damaged, message: "the picture cannot be decoded; export it again from your editor")

    private static func decode(
        _ buffer: UnsafeRawBufferPointer, _ type: PictureType, _ limits: PictureLimits,
        _ deadline: UnsafeMutablePointer<gint64>
    ) throws(PictureError) -> DecodedPicture {
        let kind = nimb_picture_type(rawValue: type.rawValue)
        // The header alone, one frame: sizes are judged before anything is decoded.
        guard let header = nimb_vips_load(buffer.baseAddress, buffer.count, kind, 1) else { throw damaged }
        let frames = max(1, Int(nimb_vips_pages(header)))
        let width = Int(header.pointee.Xsize)
        let height = Int(header.pointee.Ysize)
        nimb_vips_unref(header)
        guard frames <= limits.frames else {
            throw PictureError(code: .tooManyFrames, message: "an animation may have at most \(limits.frames) frames")
        }
        guard (1...limits.side).contains(width), (1...limits.side).contains(height),
            width * height * frames <= limits.pixels
        else {
            throw PictureError(
                code: .tooManyPixels,
                message: "a side may have at most \(limits.side) pixels, all frames together \(limits.pixels)")
        }
        guard let loaded = nimb_vips_load(buffer.baseAddress, buffer.count, kind, frames > 1 ? -1 : 1) else {
            throw damaged
        }
        defer { nimb_vips_unref(loaded) }
        nimb_vips_limit(loaded, deadline)
        guard let image = nimb_vips_srgb(loaded) else { throw damaged }
        defer { nimb_vips_unref(image) }
        var output: UnsafeMutableRawPointer?
        var count = 0
        let failed = nimb_vips_save(image, kind, &output, &count)
        defer { g_free(output) }
        guard failed == 0, let output, count > 0 else { throw damaged }
        let pageHeight = frames > 1 ? Int(nimb_vips_page_height(image)) : Int(image.pointee.Ysize)
        return DecodedPicture(
            contentType: type.contentType, width: Int(image.pointee.Xsize), height: pageHeight, frames: frames,
            bytes: [UInt8](UnsafeRawBufferPointer(start: output, count: count)))
    }
}
