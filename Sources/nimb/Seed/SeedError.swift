import Foundation

/// What stopped a seed: where in the file, and what would be right.
struct SeedError: Error, CustomStringConvertible {
    struct Problem: Equatable {
        /// `campaigns[2].line_items[0].bid_micros`; empty for the whole file.
        var path: String
        var line: Int?
        var reason: String
    }

    var file: String
    var problems: [Problem]

    init(file: String, problems: [Problem]) {
        self.file = file
        self.problems = problems
    }

    init(file: String, path: String = "", line: Int? = nil, _ reason: String) {
        self.init(file: file, problems: [Problem(path: path, line: line, reason: reason)])
    }

    /// One line per problem: `file:line: path: reason`.
    var description: String {
        problems.map { problem in
            file + (problem.line.map { ":\($0)" } ?? "") + ": " + (problem.path.isEmpty ? "" : "\(problem.path): ")
                + problem.reason
        }.joined(separator: "\n")
    }
}
