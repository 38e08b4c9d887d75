import Foundation
import Yams

/// Reads YAML into the neutral tree of the seed.
enum YAMLSeed {
    /// Largest seed file, bytes.
    static let byteLimit = 8_388_608
    /// Values in one file, with every use of an anchor counted: a short file cannot unfold into a huge one.
    static let valueLimit = 500_000
    /// Nesting of lists and mappings.
    static let depthLimit = 32

    /// Parses one document. Throws `SeedError` with the line of the first mistake.
    static func parse(_ text: String, file: String) throws -> SeedValue {
        func refuse(_ reason: String, line: Int? = nil) -> SeedError {
            SeedError(file: file, line: line, reason)
        }
        guard text.utf8.count <= byteLimit else { throw refuse("is larger than \(byteLimit) bytes") }
        do {
            guard let node = try Yams.compose(yaml: text) else { throw refuse("is empty") }
            var left = valueLimit
            return try convert(node, depth: 0, left: &left, refuse)
        } catch let error as YamlError {
            switch error {
            case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
                .composer(_, let problem, let mark, _):
                throw refuse("is not YAML: \(problem)", line: mark.line)
            case .duplicatedKeysInMapping(let duplicates, let context):
                throw refuse("gives the same key twice: \(duplicates.joined(separator: ", "))", line: context.mark.line)
            default: throw refuse("is not YAML: \(error)")
            }
        }
    }

    private static func convert(
        _ node: Node, depth: Int, left: inout Int, _ refuse: (String, Int?) -> SeedError
    ) throws -> SeedValue {
        left -= 1
        let line = node.mark?.line
        guard left > 0 else { throw refuse("holds more than \(valueLimit) values", line) }
        guard depth < depthLimit else { throw refuse("is nested deeper than \(depthLimit)", line) }
        switch node {
        case .scalar(let scalar):
            let plain = scalar.style == .plain || scalar.style == .any
            if plain, ["", "~", "null", "Null", "NULL"].contains(scalar.string) { return SeedValue(.null, line: line) }
            return SeedValue(.scalar(scalar.string, plain: plain), line: line)
        case .sequence(let sequence):
            var items: [SeedValue] = []
            for item in sequence { items.append(try convert(item, depth: depth + 1, left: &left, refuse)) }
            return SeedValue(.list(items), line: line)
        case .mapping(let mapping):
            var entries: [SeedValue.Entry] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else { throw refuse("has a key that is not a text", line) }
                entries.append(
                    .init(key: name.string, value: try convert(value, depth: depth + 1, left: &left, refuse)))
            }
            return SeedValue(.map(entries), line: line)
        case .alias: throw refuse("uses an anchor that is not defined", line)
        }
    }
}
