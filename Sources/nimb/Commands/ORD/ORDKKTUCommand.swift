import AdModel
import ArgumentParser
import Foundation
import ORD
import Outbound
import Postgres
import Store

/// `nimb ord kktu`: the classifier of goods and services.
struct ORDKKTUCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kktu", abstract: "The classifier of goods and services (ККТУ).",
        subcommands: [ORDKKTURefreshCommand.self])
}

/// `nimb ord kktu refresh`: takes over an operator's dictionary.
struct ORDKKTURefreshCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refresh", abstract: "Take over an operator's dictionary without losing a code.",
        discussion: """
            The dictionary is a file or an address: JSON ({"items":[{"code":"17.3.1","name":"…"}]}, or the list alone), \
            or CSV with the columns code and name (or name_ru). New codes are added, changed names taken over, and \
            codes that are missing are marked with today's date and kept, because acts of closed months name them. A \
            list from which more than \(KKTUStore.lossLimit) % of the codes are missing is refused.

              nimb ord kktu refresh kktu.json --dry-run
              NIMB_ORD_TOKEN=… nimb ord kktu refresh https://api.ord.vk.com/v1/dict/kktu
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var outbound: OutboundOptions

    @Argument(help: "File or https address of the dictionary.")
    var source: String
    @Flag(help: "Only show what would change.")
    var dryRun = false

    func run() async throws {
        let listed = try KKTUList.read(try await bytes())
        let pool = try database.pool(applicationName: "nimb ord kktu", maximumConnections: 1)
        let isDry = dryRun
        let diff = try await pool.closing { pool in
            try await pool.transaction { db in
                let known = try ORDConsole.kktu(on: db)
                let diff = try KKTUStore.diff(listed, with: known)
                if !isDry, !diff.isEmpty {
                    try KKTUStore.apply(diff, to: known, today: SystemClock.now().utcDay, on: db)
                    try ORDConsole.audit("kktu.refreshed", "kktu", "dictionary", on: db)
                }
                return diff
            }
        }
        for entry in diff.added { Console.say("+ \(entry.code) \(entry.name)") }
        for entry in diff.renamed { Console.say("~ \(entry.code) \(entry.name)") }
        for code in diff.vanished { Console.say("- \(code) (kept, marked)") }
        for code in diff.returned { Console.say("+ \(code) (is back)") }
        let count = diff.added.count + diff.renamed.count + diff.vanished.count + diff.returned.count
        Console.say("\(listed.count) codes read, \(count) changes\(isDry && count > 0 ? " would be made" : "")")
    }

    private func bytes() async throws -> [UInt8] {
        guard source.contains("://") else {
            guard let data = FileManager.default.contents(atPath: source) else {
                throw Refusal("the file \(source) cannot be read.")
            }
            return [UInt8](data)
        }
        var headers = [("Accept", "application/json")]
        if let token = ProcessInfo.processInfo.environment["NIMB_ORD_TOKEN"], !token.isEmpty {
            headers.append(("Authorization", "Bearer \(token)"))
        }
        let request = OutboundRequest(.get, source, headers: headers, maximumBytes: 8 << 20, timeout: .seconds(60))
        let answer = try await OutboundClient(policy: outbound.policy()).send(request)
        guard answer.isSuccess else { throw Refusal("the operator answered with status \(answer.status).") }
        return answer.body
    }
}

/// A dictionary as operators write it down.
enum KKTUList {
    static func read(_ bytes: [UInt8]) throws -> [(code: String, name: String)] {
        if let json = try? JSONSerialization.jsonObject(with: Data(bytes)) {
            let items = (json as? [String: Any])?["items"] ?? json
            guard let entries = items as? [[String: Any]] else { throw unreadable }
            return try entries.map { entry in
                let name = ["name", "name_ru", "title"].lazy.compactMap { entry[$0] as? String }.first
                guard let code = entry["code"] as? String, let name, !name.isEmpty else { throw unreadable }
                return (code, name)
            }
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        // The header says how the others are separated: names hold semicolons.
        let separator: Character = lines.first?.contains(";") == true ? ";" : ","
        let rows = lines.map { cells($0, separator) }
        let header = rows.first.map { $0.map { $0.replacing("\u{FEFF}", with: "") } } ?? []
        guard let code = header.firstIndex(of: "code"),
            let name = header.firstIndex(where: { $0 == "name_ru" || $0 == "name" })
        else { throw unreadable }
        return try rows.dropFirst().map { row in
            guard row.count > max(code, name) else { throw unreadable }
            return (row[code], row[name])
        }
    }

    /// One line of comma- or semicolon-separated values with double quotes.
    private static func cells(_ line: Substring, _ separator: Character) -> [String] {
        var cells = [""]
        var isQuoted = false
        for character in line {
            if character == "\"" {
                isQuoted.toggle()
            } else if character == separator, !isQuoted {
                cells.append("")
            } else {
                cells[cells.count - 1].append(character)
            }
        }
        return cells
    }

    private static let unreadable = Refusal(
        "the dictionary is neither JSON with code and name nor CSV with these columns.")
}
