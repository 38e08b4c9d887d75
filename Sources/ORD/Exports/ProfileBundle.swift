import AdModel
import Crypto

/// A month in the shape of another operator than VK: the same objects under other names, as files of calls that a
/// sender repeats one by one. Each line is `{"method":…,"path":…,"ref":…,"body":…}`.
///
/// `ref` is our id of the object that the call makes. An operator that gives ids himself answers with his; wherever a
/// body or a path says `@<our id>`, that answer belongs. Ids that are known already stand there themselves.
public struct ProfileBundle: Sendable {
    /// `ord-mediascout-2026-11.zip`.
    public let suggestedName: String
    /// In byte order of names, the manifest among them.
    public let files: [VKBundle.File]
    /// Warnings that did not stop the export.
    public let warnings: [Finding]

    /// The file that the hashes and totals stand in; a signature is made over exactly these bytes.
    public var manifest: [UInt8] { files.first { $0.name == "manifest.json" }?.bytes ?? [] }

    /// One write.
    struct Call {
        var method = "POST"
        var path: String
        var ref: String
        var body: JSONText
    }

    /// - Parameters:
    ///   - name: of the operator, as the file's name has it.
    ///   - calls: by stem of the file, in the order in which they are to be sent.
    ///   - switches: how the profile was read, for whoever compares two exports.
    ///   - hasMediaFiles: true when the operator takes files apart from the bodies.
    init(
        _ name: String, _ month: ExportMonth, _ settlement: Settlement, _ scope: BundleScope,
        calls: KeyValuePairs<String, [Call]>, switches: [String: JSONText], hasMediaFiles: Bool, warnings: [Finding]
    ) {
        var files: [VKBundle.File] = []
        var counts: [String: JSONText] = [:]
        for (stem, calls) in calls {
            var bytes: [UInt8] = []
            for call in calls {
                bytes += Array(#"{"method":"\#(call.method)","path":"\#(call.path)","ref":"\#(call.ref)","body":"#.utf8)
                call.body.write(into: &bytes)
                bytes += Array("}\n".utf8)
            }
            counts[stem] = .number(Int64(calls.count))
            files.append(VKBundle.File(name: "\(stem).ndjson", bytes: bytes))
        }
        for media in scope.media where hasMediaFiles {
            if let bytes = month.mediaBytes[media.sha256] {
                files.append(VKBundle.File(name: media.path, bytes: bytes))
            }
        }
        var manifest = VKBundle.manifest(month.statement, settlement, warnings, month.toolVersion)
        manifest["schema"] = .string("\(name)-bundle/1")
        manifest["switches"] = .object(switches)
        manifest["order"] = .strings(calls.map(\.key))
        manifest["counts"] = .object(counts)
        manifest["sha256"] = .object(
            Dictionary(files.map { ($0.name, .string(VKBundle.hex(SHA256.hash(data: $0.bytes)))) }) { first, _ in first
            }
        )
        if month.rehearsal { manifest["rehearsal_today"] = .string(month.today.description) }
        files.append(VKBundle.File(name: "manifest.json", bytes: JSONText.object(manifest).bytes + [0x0A]))
        self.files = files.sorted { byteOrder($0.name, $1.name) }
        self.warnings = warnings
        suggestedName = "ord-\(name)-\(month.statement.month).zip"
    }
}

/// What both other profiles need to know of a month.
struct ProfileMonth {
    let month: ExportMonth
    let settlement: Settlement
    let scope: BundleScope
    let findings: [Finding]
    /// Our own contract behind a creative, also when the creative names the contract of an agency's client.
    let contractOfCreative: [String: String]
    /// The act that bills a creative.
    let actOfCreative: [String: Act]

    /// - Throws: `ORDError` with code `gate_failed` when the month itself is not ready, whatever the operator.
    init(_ month: ExportMonth, _ profile: OperatorProfile) throws(ORDError) {
        self.month = month
        settlement = Settlement(month.statement, profile: profile)
        scope = BundleScope(month.statement, settlement)
        var findings = Gate.findings(month.statement, settlement, kktu: month.kktu, today: month.today)
        findings += VKBundle.mediaFindings(scope, month.mediaBytes)
        guard Gate.blocking(findings, month.statement.overrides).isEmpty else {
            throw ORDError(code: "gate_failed", findings: findings)
        }
        self.findings = findings
        var contracts: [String: String] = [:]
        for line in month.statement.lineItems { for id in line.creativeIDs { contracts[id] = line.contractID } }
        contractOfCreative = contracts
        var acts: [String: Act] = [:]
        for act in settlement.acts { for item in act.items { for id in item.creativeIDs { acts[id] = act } } }
        actOfCreative = acts
    }

    /// The operator's id of one of our objects, or the place where it belongs.
    func id(_ ours: String) -> JSONText { .string(month.operatorIDs[ours] ?? "@\(ours)") }

    /// Media with their contents.
    func media(_ ids: [String]) -> [(media: Media, bytes: [UInt8])] {
        ids.compactMap { id in
            guard let media = scope.media.first(where: { $0.id == id }), let bytes = month.mediaBytes[media.sha256]
            else { return nil }
            return (media, bytes)
        }
    }
}

/// Words of one list for the words of another.
struct WordMap: Sendable {
    let words: [String: String]

    /// nil for a word that the other side does not have.
    subscript(word: String) -> String? { words[word] }
}

/// Bytes as text (RFC 4648).
enum Base64 {
    static func text(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group: UInt32 = 0
            for offset in 0..<3 { group = group << 8 | (offset < count ? UInt32(bytes[start + offset]) : 0) }
            for place in 0..<4 {
                out.append(
                    place <= count ? letters[Int(group >> (18 - 6 * UInt32(place)) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
