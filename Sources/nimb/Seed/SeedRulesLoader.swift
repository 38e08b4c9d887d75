import Foundation
import Store

/// Brings together what a seed is checked against: ad formats, codes of goods, ids of firms.
enum SeedRulesLoader {
    static func load(folder: URL, environment: [String: String]) throws -> SeedRules {
        let any = { @Sendable (_: String, _: [ImageHeader]) -> [(String, String)] in [] }
        return SeedRules(
            formats: [
                "banner": .init(ordForm: "banner", problems: any),
                "product-shelf": .init(ordForm: "text_graphic_block", problems: any),
            ],
            policies: ["default@1", "item-24h@1", "order-24h@1", "smart-placement@1", "sku-strict@1"],
            kktuExists: { $0.split(separator: ".").count == 3 },
            counterparty: { _ in [] },
            readFile: { name in
                let path = folder.appendingPathComponent(name).path
                let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
                // One byte too many is enough to be refused by size; more is not read.
                guard size <= ImageHeader.byteLimit else {
                    return [UInt8](repeating: 0, count: ImageHeader.byteLimit + 1)
                }
                return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            },
            environment: environment)
    }
}
