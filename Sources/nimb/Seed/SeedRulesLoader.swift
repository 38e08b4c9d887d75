import AdFormatFiles
import AdFormats
import Foundation
import ORD
import Store

/// Brings together what a seed is checked against: ad formats, codes of goods, ids of firms.
enum SeedRulesLoader {
    static func load(folder: URL, environment: [String: String]) throws -> SeedRules {
        let goods = try KKTUDictionary(csv: Data(contentsOf: DataFiles.url("kktu.csv")))
        return SeedRules(
            formats: try formats(),
            policies: ["default@1", "item-24h@1", "order-24h@1", "smart-placement@1", "sku-strict@1"],
            kktuExists: { goods.entry($0)?.isUsable == true },
            counterparty: problems,
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

    /// The ad formats as a seed needs them. The weight of a picture is limited by its size when it is read.
    private static func formats() throws -> [String: SeedRules.Format] {
        try AdFormatSet(folders: AdFormatFiles.read()).formats.mapValues { format in
            SeedRules.Format(ordForm: format.ordForm) { fields, pictures in
                guard let value = try? FieldValue(json: Array(fields.utf8)) else { return [("", "is not JSON")] }
                let shown = pictures.map {
                    AdFormat.Picture(contentType: $0.contentType, width: $0.width, height: $0.height, bytes: 0)
                }
                return (format.validate(value) + format.validate(pictures: shown)).map { ($0.path, $0.message) }
            }
        }
    }

    /// The operator's rules for persons, with our key in place of the operator's field.
    private static func problems(of part: SeedCounterparty) -> [(String, String)] {
        let person = Person(
            id: part.code, kind: part.kind, name: part.name, inn: part.inn, kpp: part.kpp, phone: part.phone,
            foreignINN: part.foreignINN, foreignRegistrationNumber: part.foreignRegistrationNumber,
            foreignEpaymentMethod: part.foreignPaymentMethod, foreignCountryCode: part.foreignCountryCode,
            roles: part.roles, rsURL: part.rsURL)
        return person.findings().filter { $0.severity == .error }.map { finding in
            (String(finding.field.split(separator: ".").last ?? ""), finding.message)
        }
    }
}
