import Foundation
import Imaging
import Store

/// A picture of a seed file: a file below the file's folder, or a drawing with the size at which it is drawn.
enum SeedPicture {
    /// - Parameter refuse: told of the value that is wrong and why; throws.
    static func bytes(
        _ picture: SeedValue, below folder: URL, isCheck: Bool, refuse: (SeedValue, String) throws -> Never
    ) throws -> [UInt8] {
        let name = (picture.text ?? picture["svg"]?.text) ?? ""
        guard !name.isEmpty, !name.hasPrefix("/"), !name.split(separator: "/").contains("..") else {
            try refuse(picture, "must be a file below the folder of the seed file, or {svg, width, height}")
        }
        let file = folder.appendingPathComponent(name)
        guard let bytes = try? Data(contentsOf: file), bytes.count <= ImageHeader.byteLimit else {
            try refuse(
                picture, "cannot be read, or is larger than \(ImageHeader.byteLimit / 1_048_576) MiB")
        }
        guard picture.text == nil else { return Array(bytes) }
        guard let width = picture["width"]?.text.flatMap({ Int($0) }),
            let height = picture["height"]?.text.flatMap({ Int($0) })
        else { try refuse(picture, "a drawing needs width and height in pixels") }
        guard !isCheck else { return [] }
        do throws(PictureError) {
            return try Drawing.png(svg: String(decoding: bytes, as: UTF8.self), width: width, height: height)
        } catch {
            try refuse(picture, error.message)
        }
    }
}
