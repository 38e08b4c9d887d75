import AdModel
import ORD

/// The parts of an answer that do not depend on the request, rendered once per snapshot: the edge copies them.
public enum Fragments {
    /// The word that marks every ad.
    public static let label = AdLabel.word

    /// Members of an ad object up to its label, without braces and without a trailing comma.
    public static func creative(_ creative: ServingCreative) -> [UInt8] {
        var out: [UInt8] = []
        func raw(_ text: String) { out.append(contentsOf: text.utf8) }
        raw("\"format\":")
        appendString(creative.format, to: &out)
        raw(",\"creative_id\":")
        appendString(creative.publicID, to: &out)
        raw(",\"fields\":")
        raw(creative.fieldsJSON)
        raw(",\"pictures\":[")
        for (index, picture) in creative.pictures.enumerated() {
            raw(index == 0 ? "{\"url\":" : ",{\"url\":")
            appendString(picture.url, to: &out)
            raw(",\"width\":\(picture.width),\"height\":\(picture.height)}")
        }
        raw("],\"label\":{\"text\":")
        appendString(label, to: &out)
        raw(",\"advertiser\":")
        appendString(creative.advertiserName, to: &out)
        raw(",\"inn\":")
        appendString(creative.advertiserINN, to: &out)
        raw(",\"erid\":")
        appendString(creative.erid, to: &out)
        raw("}")
        return out
    }

    /// Members of a product card that are the same everywhere, without braces and without a trailing comma.
    public static func product(_ product: ServingProduct) -> [UInt8] {
        var out: [UInt8] = []
        func raw(_ text: String) { out.append(contentsOf: text.utf8) }
        raw("\"sku\":")
        appendString(product.sku, to: &out)
        raw(",\"name\":")
        appendString(product.name, to: &out)
        if let picture = product.pictureURL {
            raw(",\"picture_url\":")
            appendString(picture, to: &out)
        }
        return out
    }

    /// Appends a JSON string. `<` and `>` are escaped, so that a page may embed the answer in a script element.
    static func appendString(_ text: String, to bytes: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        bytes.append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22, 0x5C: bytes.append(contentsOf: [0x5C, byte])
            case 0..<0x20, 0x3C, 0x3E, 0x7F:
                bytes.append(contentsOf: [0x5C, 0x75, 0x30, 0x30, digits[Int(byte >> 4)], digits[Int(byte & 15)]])
            default: bytes.append(byte)
            }
        }
        bytes.append(0x22)
    }
}
