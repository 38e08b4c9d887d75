import DeliveryAPI
import Foundation
import Logging
import Measurement
import ServiceLifecycle

/// Puts a newer list of bot agents in use when its file changes. A list that cannot be read leaves the old one.
struct BotListRefresher: Service {
    static let period = Duration.seconds(30)

    let file: URL
    let environment: DeliveryEnvironment
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var known = Self.stamp(file)
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.period)
                let stamp = Self.stamp(file)
                guard stamp != known else { continue }
                known = stamp
                do {
                    environment.use(try UserAgentClassifier(list: String(contentsOf: file, encoding: .utf8)))
                    logger.notice("a newer list of bot agents is in use")
                } catch {
                    logger.error("the list of bot agents was not changed", metadata: ["reason": "\(error)"])
                }
            }
        }
    }

    /// What tells one version of a file from the next.
    private static func stamp(_ file: URL) -> String {
        let facts = try? FileManager.default.attributesOfItem(atPath: file.path)
        return "\(facts?[.modificationDate] ?? "") \(facts?[.size] ?? "")"
    }
}
