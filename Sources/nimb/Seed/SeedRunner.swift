import AdModel
import Foundation
import Postgres
import Store

/// Applies a seed file of the disk; `nimb seed` and `nimb dev` share it.
enum SeedRunner {
    /// Pictures are found relative to the file. Throws `SeedError` with everything that is wrong.
    static func apply(
        _ file: URL, pool: PostgresPool,
        environment: [String: String] = ProcessInfo.processInfo.environment, checkOnly: Bool = false
    ) async throws -> SeedReport {
        let name = file.lastPathComponent
        func refuse(_ reason: String) -> SeedError {
            SeedError(file: name, problems: [SeedProblem(path: "", reason: reason)], unlisted: 0)
        }
        let size = (try? FileManager.default.attributesOfItem(atPath: file.path)[.size] as? Int) ?? 0
        guard size <= YAMLSeed.byteLimit else { throw refuse("is larger than \(YAMLSeed.byteLimit) bytes") }
        guard let data = FileManager.default.contents(atPath: file.path) else {
            throw refuse("cannot be read; check the path and its permissions")
        }
        guard let text = String(data: data, encoding: .utf8) else { throw refuse("is not UTF-8") }
        let tree = try YAMLSeed.parse(text, file: name)
        let rules = try SeedRulesLoader.load(folder: file.deletingLastPathComponent(), environment: environment)
        let micros = Int64(Date().timeIntervalSince1970 * 1_000_000)
        return try await Seeder(pool: pool, rules: rules).apply(
            tree, file: name, now: Timestamp(micros: micros), checkOnly: checkOnly)
    }
}
