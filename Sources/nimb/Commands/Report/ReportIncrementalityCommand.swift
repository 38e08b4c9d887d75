import ArgumentParser
import ManagementAPI
import Postgres
import Store

/// `nimb report incrementality`: what holding shoppers out of a campaign shows, as the API answers it.
struct ReportIncrementalityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incrementality", abstract: "The effect of a campaign, measured against its ghost ads, as JSON.")

    @OptionGroup var database: DatabaseOptions
    @Option(help: "Campaign, by its id.")
    var campaign: String
    @Option(help: "Days after the first won auction in which orders count, 1...90.")
    var windowDays = IncrementalityStore.defaultWindowDays

    func validate() throws {
        guard (1...IncrementalityStore.longestWindowDays).contains(windowDays) else {
            throw ValidationError("--window-days must be between 1 and \(IncrementalityStore.longestWindowDays)")
        }
    }

    func run() async throws {
        let pool = try database.pool(applicationName: "nimb report incrementality", maximumConnections: 1)
        let (code, window) = (campaign, windowDays)
        let report = try await pool.transaction(.repeatableRead) {
            try IncrementalityStore.report(campaign: code, windowDays: window, on: $0)
        }
        await pool.close()
        guard let report else { throw Refusal("no campaign is called \(code)") }
        print(IncrementalityJSON.render(report))
    }
}
