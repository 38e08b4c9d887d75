import AdModel
import Decisioning
import ORD
import Postgres

/// Compares what the edge prints on ads with what the operator is told: advertiser, tax number and token of every
/// creative that may serve now, byte for byte, and the advertiser's name as the operator last accepted it.
public enum LabelAudit {
    /// Everything that differs; empty = each label is the registered object.
    public static func run(now: Timestamp, on db: isolated PostgresConnection) throws -> [Finding] {
        let edge = try ServingRows.creatives(db, now: .timestamptz(micros: now.micros), mediaBaseURL: "")
        let servable = Set(edge.serving.values.joined().filter(\.isServable).map(\.versionID))
        let told = try registered(on: db)
        let accepted = try accepted(on: db)
        var findings: [Finding] = []
        for creative in edge.all where servable.contains(creative.versionID) {
            let object = "creative cr-\(creative.publicID)"
            let printed = AdLabel(
                advertiser: creative.advertiserName, inn: creative.advertiserINN, erid: creative.erid)
            guard let known = told[creative.versionID], let label = AdLabel(known.creative, of: known.advertiser) else {
                findings.append(
                    Finding(
                        code: "label_unregistered", object: object, field: "erid",
                        message: "it serves without a token that holds: stop it and register it"))
                continue
            }
            if !printed.isIdentical(to: label) {
                findings.append(
                    Finding(
                        code: "label_differs", object: object,
                        message:
                            "the page says \(printed.text), the operator is told \(label.text): they have to be one",
                        related: [Finding.Link("person", known.advertiser.id)]))
            }
            let request = OperatorRequests.person(known.advertiser)
            if let fingerprint = accepted[known.advertiser.id], fingerprint != request.fingerprint {
                findings.append(
                    Finding(
                        .warning, code: "label_not_accepted", object: object, field: "advertiser",
                        message:
                            "the operator has accepted other details of \(known.advertiser.id) than the page shows: "
                            + "send the counterparty again", related: [Finding.Link("person", known.advertiser.id)]))
            }
        }
        return findings
    }

    /// Creative versions with their advertisers, as the operator is told of them.
    private static func registered(
        on db: isolated PostgresConnection
    ) throws -> [Int32: (creative: Creative, advertiser: Person)] {
        var persons: [String: Person] = [:]
        for person in try MonthReader.persons(on: db) { persons[person.id] = person }
        var result: [Int32: (creative: Creative, advertiser: Person)] = [:]
        for row in try db.query(
            """
            select v.id, v.version, v.erid, v.erid_status, v.ord_form, c.code, p.code as person
            from creative_version v join creative c on c.id = v.creative_id
            join advertiser a on a.id = c.advertiser_id join counterparty p on p.id = a.counterparty_id
            where v.erid is not null
            """)
        {
            guard let advertiser = persons[ExternalIDs.person(try row.string("person"))] else { continue }
            let creative = Creative(
                id: ExternalIDs.creative(try row.string("code"), version: try row.int32("version")), kktus: [],
                form: try row.string("ord_form"), erid: try row.stringIfPresent("erid"),
                eridStatus: try row.stringIfPresent("erid_status"))
            result[try row.int32("id")] = (creative, advertiser)
        }
        return result
    }

    /// Fingerprints of what the operator accepted last, by external id.
    private static func accepted(on db: isolated PostgresConnection) throws -> [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        for row in try db.query("select external_id, body_sha256 from ord_object where external_id like 'org-%'") {
            result[try row.string("external_id")] = try row.bytes("body_sha256")
        }
        return result
    }
}
