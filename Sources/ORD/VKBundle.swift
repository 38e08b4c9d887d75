import AdModel
import Crypto

/// The files of `ord-vk-YYYY-MM.zip`, byte for byte (R1-R8), or of its correction (R25). The same month of the same
/// ledger gives the same bytes.
public struct VKBundle: Sendable {
    /// A file of the bundle.
    public struct File: Sendable {
        public let name: String
        public let bytes: [UInt8]
    }

    /// `ord-vk-2026-11.zip`, of a correction `ord-vk-2026-11-k1.zip`.
    public let suggestedName: String
    /// In byte order of names, the manifest among them.
    public let files: [File]
    /// Warnings that did not stop the export.
    public let warnings: [Finding]

    /// Settles the month, passes the gate and writes the files.
    /// - Parameters:
    ///   - mediaBytes: contents by SHA-256 in lower-case hex, at least of the media that the month refers to.
    ///   - today: the day in UTC.
    ///   - rehearsal: true when `today` is not the real one; the manifest says so.
    ///   - profile: how the operator reads what is open.
    ///   - toolVersion: version of this program.
    ///   - previous: what the last exported version told the operator; needed when the statement corrects one.
    /// - Throws: `ORDError` with code `gate_failed` and every finding.
    public static func export(
        _ statement: MonthStatement, mediaBytes: [String: [UInt8]], kktu: KKTUDictionary, today: Day,
        rehearsal: Bool = false, profile: OperatorProfile = .vk, toolVersion: String, previous: Settlement? = nil
    ) throws(ORDError) -> VKBundle {
        let settlement = Settlement(statement, profile: profile)
        var findings = Gate.findings(statement, settlement, kktu: kktu, today: today)
        let scope = BundleScope(statement, settlement)
        findings += mediaFindings(scope, mediaBytes)
        if let edition = statement.edition, edition.correction > 0, previous == nil {
            findings.append(
                Finding(
                    code: "previous_missing", object: "month \(statement.month)",
                    message: "what was exported before is not known, so nothing can be taken back: restore the database"
                ))
        }
        guard Gate.blocking(findings, statement.overrides).isEmpty else {
            throw ORDError(code: "gate_failed", findings: findings)
        }
        return VKBundle(
            statement, settlement, scope, mediaBytes, profile, warnings: findings,
            rehearsalToday: rehearsal ? today : nil, toolVersion: toolVersion, previous: previous)
    }

    /// Pictures that are not what their hash says.
    static func mediaFindings(_ scope: BundleScope, _ mediaBytes: [String: [UInt8]]) -> [Finding] {
        scope.media.compactMap { media in
            if let bytes = mediaBytes[media.sha256], hex(SHA256.hash(data: bytes)) == media.sha256,
                Int64(bytes.count) == media.size
            {
                return nil
            }
            return Finding(
                code: "media_bytes", object: "media \(media.id)", field: "media_file",
                message: "the bytes are missing or damaged: upload the file again")
        }
    }

    /// The bundle of a month that is about to leave the house.
    public static func export(_ month: ExportMonth) throws(ORDError) -> VKBundle {
        try export(
            month.statement, mediaBytes: month.mediaBytes, kktu: month.kktu, today: month.today,
            rehearsal: month.rehearsal, profile: month.switches.vk, toolVersion: month.toolVersion,
            previous: month.previous)
    }

    /// The file that the manifest's hashes and totals stand in; a signature is made over exactly these bytes.
    public var manifest: [UInt8] { files.first { $0.name == "manifest.json" }?.bytes ?? [] }

    private init(
        _ statement: MonthStatement, _ settlement: Settlement, _ scope: BundleScope, _ mediaBytes: [String: [UInt8]],
        _ profile: OperatorProfile, warnings: [Finding], rehearsalToday: Day?, toolVersion: String,
        previous: Settlement?
    ) {
        var files: [File] = []
        var counts: [String: JSONText] = [:]
        func lines(_ stem: String, _ values: [JSONText]) {
            var bytes: [UInt8] = []
            for value in values {
                value.write(into: &bytes)
                bytes.append(0x0A)
            }
            counts[stem] = .number(Int64(values.count))
            files.append(File(name: "\(stem).ndjson", bytes: bytes))
        }
        func calls<T>(_ stem: String, _ values: [T], method: String = "PUT", path: (T) -> String, body: (T) -> JSONText)
        {
            var bytes: [UInt8] = []
            for value in values {
                // Written by hand, because this one object has its keys in another order than the bytes'.
                bytes += Array(#"{"method":"\#(method)","path":"\#(path(value))","body":"#.utf8)
                body(value).write(into: &bytes)
                bytes += Array("}\n".utf8)
            }
            counts[stem] = .number(Int64(values.count))
            files.append(File(name: "\(stem).ndjson", bytes: bytes))
        }
        calls("persons", scope.persons, path: { "/v1/person/\($0.id)" }, body: VKBodies.person)
        calls("contracts", scope.contracts, path: { "/v1/contract/\($0.id)" }, body: VKBodies.contract)
        calls("pads", scope.pads, path: { "/v1/pad/\($0.id)" }, body: VKBodies.pad)
        if !scope.cids.isEmpty { calls("cids", scope.cids, path: { "/v1/cid/\($0.id)" }, body: VKBodies.cid) }
        calls("media", scope.media, path: { "/v1/media/\($0.id)" }, body: VKBodies.media)
        calls("creatives", scope.creatives, path: { "/v3/creative/\($0.id)" }, body: VKBodies.creative)
        lines("erids", scope.creatives.compactMap(VKBodies.erid))
        calls("statistics", settlement.rows, method: "POST", path: { _ in "/v3/statistics" }) { row in
            .object(["items": .array([VKBodies.row(row)])])
        }
        calls("invoices", settlement.acts, path: { "/v4/invoice/\($0.id)" }, body: VKBodies.act)
        let correction = statement.edition.flatMap { $0.correction > 0 ? $0 : nil }
        if correction != nil, let previous {
            files.append(Self.deletes(MonthDiff(before: previous, after: settlement), &counts))
        }
        for media in scope.media {
            if let bytes = mediaBytes[media.sha256] { files.append(File(name: media.path, bytes: bytes)) }
        }

        var hashes: [String: JSONText] = [:]
        for file in files { hashes[file.name] = .string(Self.hex(SHA256.hash(data: file.bytes))) }
        var manifest = Self.manifest(statement, settlement, warnings, toolVersion)
        if let correction {
            manifest["correction"] = .number(Int64(correction.correction))
            manifest["reason"] = correction.reason.map(JSONText.string)
            manifest["supersedes"] = correction.supersedes.map(JSONText.string)
        }
        if !statement.overrides.isEmpty { manifest["overrides"] = .array(statement.overrides.map(Self.override)) }
        manifest["counts"] = .object(counts)
        manifest["sha256"] = .object(hashes)
        if profile != .vk {
            manifest["switches"] = .object([
                "per_mille": .bool(profile.perMille), "zero_shows": .bool(profile.zeroShows),
                "contractor_role": .string(profile.contractorRole),
            ])
        }
        if let rehearsalToday { manifest["rehearsal_today"] = .string(rehearsalToday.description) }
        files.append(File(name: "manifest.json", bytes: JSONText.object(manifest).bytes + [0x0A]))
        self.files = files.sorted { byteOrder($0.name, $1.name) }
        self.warnings = warnings
        suggestedName = "ord-vk-\(statement.month)\(correction.map { "-k\($0.correction)" } ?? "").zip"
    }

    /// What the operator is to forget before the rest is sent: rows that vanished, rows that now begin before the day
    /// by which he knows them (R14), then acts that vanished.
    private static func deletes(_ diff: MonthDiff, _ counts: inout [String: JSONText]) -> File {
        var bytes: [UInt8] = []
        var count = 0
        for change in diff.rows {
            guard let old = change.before else { continue }
            if let new = change.after, new.actualStart >= old.actualStart { continue }
            bytes += Array(#"{"method":"POST","path":"/v3/statistics/delete","body":"#.utf8)
            VKBodies.deletedRow(old).write(into: &bytes)
            bytes += Array("}\n".utf8)
            count += 1
        }
        for act in diff.vanishedActs {
            bytes += Array((#"{"method":"DELETE","path":"/v4/invoice/\#(act.id)","body":{}}"# + "\n").utf8)
            count += 1
        }
        counts["deletes"] = .number(Int64(count))
        return File(name: "deletes.ndjson", bytes: bytes)
    }

    private static func override(_ o: GateOverride) -> JSONText {
        .object([
            "code": .string(o.code), "object": .string(o.object), "field": .string(o.field), "by": .string(o.actor),
            "reason": .string(o.reason),
        ])
    }

    static func manifest(
        _ statement: MonthStatement, _ settlement: Settlement, _ warnings: [Finding], _ toolVersion: String
    ) -> [String: JSONText] {
        let services = settlement.acts.map(\.services)
        let amounts = settlement.rows.compactMap(\.amount)
        func total<A: AdditiveArithmetic & CustomStringConvertible>(_ values: [A]) -> JSONText {
            .string(values.reduce(A.zero, +).description)
        }
        let reported = Set(settlement.rows.map(\.creativeID))
        let ledgers = settlement.ledgers.map { ledger -> JSONText in
            .compact([
                "act": ledger.actID.map(JSONText.string), "contract": .string(ledger.contractID),
                "ledger_micros": .number(ledger.ledger.value), "rounding_micros": .number(ledger.rounding.value),
                "vat_rest": ledger.vatRest == .zero ? nil : .string(ledger.vatRest.description),
            ])
        }
        return [
            "schema": .string("vk-ord-bundle/1"), "period": .string(statement.month.description),
            "generated_at": .string(statement.cut.at.rfc3339), "tool_version": .string(toolVersion),
            "time_zone": .string(statement.timeZone),
            "totals": .object([
                "shows": .number(settlement.rows.reduce(0) { $0 + $1.shows }),
                "acts_excluding_vat": total(services.map(\.excludingVAT)), "acts_vat": total(services.map(\.vat)),
                "acts_including_vat": total(services.map(\.includingVAT)),
                "statistics_excluding_vat": total(amounts.map(\.excludingVAT)),
                "statistics_vat": total(amounts.map(\.vat)),
                "statistics_including_vat": total(amounts.map(\.includingVAT)),
            ]),
            "highest_charge_id": .number(statement.cut.highestChargeID),
            "ledger_micros": .number(statement.ledgerTotal.value), "ledgers": .array(ledgers),
            "line_items": .object(
                Dictionary(
                    statement.lineItems.filter { !reported.isDisjoint(with: $0.creativeIDs) }.map {
                        ($0.id, JSONText.strings($0.creativeIDs.filter(reported.contains)))
                    }
                ) { first, _ in first }),
            "warnings": .array(warnings.map { .string($0.description) }),
        ]
    }

    static func hex(_ digest: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var out: [UInt8] = []
        for byte in digest { out += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: out, as: UTF8.self)
    }
}
