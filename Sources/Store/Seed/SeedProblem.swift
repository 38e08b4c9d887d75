/// One thing that is wrong with a seed file.
public struct SeedProblem: Sendable, Equatable {
    /// Where in the file, `campaigns[2].line_items[0].bid`; empty for the whole file.
    public var path: String
    public var line: Int?
    /// What is wrong and what would be right.
    public var reason: String

    public init(path: String, line: Int? = nil, reason: String) {
        self.path = path
        self.line = line
        self.reason = reason
    }
}

/// A seed file was refused; the database is as before.
public struct SeedError: Error, Sendable, CustomStringConvertible {
    /// Problems that are listed; what goes beyond is only counted.
    public static let limit = 50

    public var file: String
    public var problems: [SeedProblem]
    /// Problems beyond the limit.
    public var unlisted: Int

    public init(file: String, problems: [SeedProblem], unlisted: Int) {
        self.file = file
        self.problems = problems
        self.unlisted = unlisted
    }

    /// Stable code.
    public var code: String { "seed_refused" }
    public var isRetryable: Bool { false }

    /// One line per problem: `file:line: path: reason`.
    public var description: String {
        var lines = problems.map { problem in
            file + (problem.line.map { ":\($0)" } ?? "") + ": "
                + (problem.path.isEmpty ? "" : problem.path + ": ") + problem.reason
        }
        if unlisted > 0 { lines.append("\(file): and \(unlisted) more") }
        return lines.joined(separator: "\n")
    }
}

/// Collects problems while the whole file is read.
final class SeedLog {
    private(set) var problems: [SeedProblem] = []
    private(set) var unlisted = 0

    func add(_ path: String, _ line: Int?, _ reason: String) {
        if problems.count < SeedError.limit {
            problems.append(SeedProblem(path: path, line: line, reason: reason))
        } else {
            unlisted += 1
        }
    }

    func throwIfAny(file: String) throws {
        guard !problems.isEmpty else { return }
        let sorted = problems.sorted { ($0.line ?? .max) < ($1.line ?? .max) }
        throw SeedError(file: file, problems: sorted, unlisted: unlisted)
    }
}
