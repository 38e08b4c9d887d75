import AdModel
import ORD
import Postgres

/// What the files of a month are made of.
public enum MonthFiles {
    /// Named in manifests.
    public static let toolVersion = "nimb/1"

    /// The month as its files tell it: the frozen version, or a rehearsal of the month as it stands.
    /// - Parameter version: a frozen version; the newest unless given.
    /// - Throws: `not_found` when there is no such version.
    public static func month(
        _ month: AccountingMonth, version: Int32? = nil, kktu: KKTUDictionary, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> ExportMonth {
        let switches = try OperatorSettings.switches(on: db)
        if let frozen = try FrozenMonth.read(month, version: version, on: db) {
            let earlier = try MonthExports.list(month, on: db).last { $0.version < frozen.version }
            let previous = try earlier.flatMap { try FrozenMonth.read(month, version: $0.version, on: db) }
            var files = ExportMonth(
                statement: frozen.statement, mediaBytes: try frozen.mediaBytes(on: db), kktu: kktu, today: now.utcDay,
                previous: previous?.settlement, toolVersion: toolVersion)
            files.switches = switches
            return files
        }
        guard version == nil else { throw Refusal.notFound }
        let highest = try db.query("select coalesce(max(id), 0) as id from charge").single().int64("id")
        var statement = try MonthReader(month: month, highestChargeID: highest, on: db).statement(on: db)
        statement.overrides = try MonthOverrides.list(month, on: db)
        let today = max(now.utcDay, month.last)
        var files = ExportMonth(
            statement: statement,
            mediaBytes: try MonthReader.mediaBytes(Settlement(statement), statement, on: db), kktu: kktu, today: today,
            rehearsal: today != now.utcDay, toolVersion: toolVersion)
        files.switches = switches
        return files
    }

    /// Keeps the bundle of the newest frozen version as the export of the month, and says that it was exported. The same
    /// bytes again are the same export.
    /// - Parameters:
    ///   - zip: the bundle as one file.
    /// - Throws: `Refusal` when the acts of the month are not issued.
    public static func recordBundle(
        _ bundle: VKBundle, zip: [UInt8], of month: AccountingMonth, edition: MonthStatement.Edition?,
        by actor: MonthActor, on db: isolated PostgresConnection
    ) throws -> ExportRecord {
        let state = try MonthClose.state(of: month, on: db)
        guard let edition, [.actsIssued, .exported, .accepted].contains(state) else {
            throw Refusal(
                .invalidState, field: "month", "\(month) is \(state.rawValue): issue its acts before it is exported.")
        }
        let export = try ExportStore.record(
            month: month, correction: edition.correction, profile: "vk", fileName: bundle.suggestedName, bytes: zip,
            bundle: bundle.files.map { ($0.name, $0.bytes) }, isRehearsal: false, actor: actor.name, now: actor.at,
            on: db)
        if state == .actsIssued, let manifest = export.manifestSHA256 {
            try MonthClose.markExported(month, manifestSHA256: manifest, by: actor, on: db)
        }
        return export
    }
}
