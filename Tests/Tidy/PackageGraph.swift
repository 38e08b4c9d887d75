import Foundation

/// The dependency graph between our own targets, read from the text of `Package.swift`.
struct PackageGraph {
    /// Ring number by target name.
    var ring: [String: Int] = [:]
    /// Names of our own targets that each target declares.
    var dependencies: [String: Set<String>] = [:]

    /// Reads `let ringN: [Target] = [ ... ]` blocks and the names inside each target's call.
    init(manifest: String) {
        for number in 0...4 {
            guard let block = PackageGraph.block(after: "let ring\(number): [Target] = [", in: manifest) else {
                continue
            }
            for call in PackageGraph.calls(in: block) {
                let strings = PackageGraph.stringLiterals(in: call.removingProducts())
                guard let name = strings.first else { continue }
                ring[name] = number
                dependencies[name] = Set(strings.dropFirst())
            }
        }
        for (name, found) in dependencies { dependencies[name] = found.filter { ring[$0] != nil && $0 != name } }
    }

    /// Dependencies that do not point down: upwards, or sideways between targets of ring 3.
    var violations: [String] {
        var found: [String] = []
        for (name, below) in dependencies {
            guard let own = ring[name] else { continue }
            for other in below {
                guard let theirs = ring[other] else { continue }
                if theirs > own { found.append("\(name) (ring \(own)) depends on \(other) (ring \(theirs))") }
                if own == 3, theirs == 3 { found.append("\(name) and \(other) are both of ring 3") }
            }
        }
        return found.sorted()
    }

    private static func block(after opening: String, in text: String) -> Substring? {
        guard let start = text.range(of: opening)?.upperBound else { return nil }
        var depth = 1
        var index = start
        while index < text.endIndex {
            if text[index] == "[" { depth += 1 }
            if text[index] == "]" { depth -= 1 }
            if depth == 0 { return text[start..<index] }
            index = text.index(after: index)
        }
        return nil
    }

    /// The top-level calls of a block: `ours(...)`, `.target(...)`, `.systemLibrary(...)`.
    private static func calls(in block: Substring) -> [String] {
        var calls: [String] = []
        var depth = 0
        var current = ""
        for character in block {
            if character == "(" { depth += 1 }
            if depth > 0 { current.append(character) }
            if character == ")" {
                depth -= 1
                if depth == 0 {
                    calls.append(current)
                    current = ""
                }
            }
        }
        return calls
    }

    private static func stringLiterals(in text: String) -> [String] {
        var found: [String] = []
        for line in text.split(separator: "\n") where !line.trimmingCharacters(in: .whitespaces).hasPrefix("//") {
            let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
            for index in stride(from: 1, to: parts.count, by: 2) { found.append(String(parts[index])) }
        }
        return found
    }
}

extension String {
    /// The text without `.product(...)` calls, which name other people's packages.
    fileprivate func removingProducts() -> String {
        replacingOccurrences(of: #"\.product\([^)]*\)"#, with: "", options: .regularExpression)
    }
}
