/// Draws SVG files of the installation itself as PNG. Never for uploads: a drawing may ask for a lot of work.
public enum Drawing {
    /// Largest side, pixels.
    public static let sideLimit = 4_096

    /// - Parameters:
    ///   - svg: a document whose root has a `viewBox` and neither `width` nor `height`; `preserveAspectRatio` says what
    ///     is cut off when the proportions differ.
    ///   - width: pixels, 1 to `sideLimit`; so is `height`.
    /// - Throws: `PictureError` with code `damaged` when the text is no drawing, `tooManyPixels` when a side is out of
    ///   range.
    public static func png(svg: String, width: Int, height: Int) throws(PictureError) -> [UInt8] {
        guard (1...sideLimit).contains(width), (1...sideLimit).contains(height) else {
            throw PictureError(code: .tooManyPixels, message: "a side of a drawing has 1 to \(sideLimit) pixels")
        }
        guard let root = svg.firstRange(of: "<svg ") else {
            throw PictureError(code: .damaged, message: "the text is no SVG drawing")
        }
        var sized = svg
        sized.insert(contentsOf: "width=\"\(width)\" height=\"\(height)\" ", at: root.upperBound)
        return try Vips.draw(svg: sized)
    }
}
