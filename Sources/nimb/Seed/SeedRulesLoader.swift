import AdFormatFiles
import AdFormats
import Attribution
import Foundation
import ORD
import Store

/// Brings together what a seed is checked against: ad formats, codes of goods, ids of firms.
enum SeedRulesLoader {
    static func load(folder: URL, environment: [String: String]) throws -> SeedRules {
        let goods = try KKTUDictionary(csv: Data(contentsOf: DataFiles.url("kktu.csv")))
        let formats = try AdFormatSet(folders: AdFormatFiles.read()).formats
        return SeedRules(
            formats: formats.mapValues(rule),
            policies: Set(AttributionPolicy.presets.map(\.name)),
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

    private static func rule(for format: AdFormat) -> SeedRules.Format {
        SeedRules.Format(ordForm: format.ordForm) { fields, pictures in
            let errors: [FieldError]
            do {
                errors = format.validate(try FieldValue(json: Array(fields.utf8)))
            } catch {
                return [("fields", "\(error)")]
            }
            let seen = pictures.map {
                AdFormat.Picture(
                    contentType: $0.image.contentType, width: $0.image.width, height: $0.image.height,
                    bytes: $0.bytes.count)
            }
            return errors.map { ($0.path.isEmpty ? "fields" : "fields.\($0.path)", $0.message) }
                + format.validate(pictures: seen).map { ($0.path, $0.message) }
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
