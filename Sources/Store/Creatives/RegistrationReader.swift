import AdModel
import ORD
import Postgres

/// All that the operator is told about one version of a creative, exactly as the month's export will tell it.
public struct RegistrationObjects: Sendable {
    public var persons: [Person]
    /// None for self-promotion.
    public var contract: Contract?
    /// The advertiser's contract with his agency, when ours is with the agency; the creative names it.
    public var cids: [CID] = []
    public var creative: Creative
    /// Pictures with their bytes.
    public var media: [(media: Media, bytes: [UInt8])]
}

/// Reads what registration sends.
public enum RegistrationReader {
    /// The objects of a version; nil when it is not there or its campaign has no KKTU code.
    public static func objects(
        ofVersion version: Int32, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> RegistrationObjects? {
        guard
            let row = try db.query(
                """
                select c.code, v.version, c.line_item_id from creative_version v
                join creative c on c.id = v.creative_id where v.id = $1
                """, [.int4(version)]
            ).first, let month = AccountingMonth(containing: Day(number: Int32(now.micros / 86_400_000_000)))
        else { return nil }
        let line = try row.int32("line_item_id")
        let id = ExternalIDs.creative(try row.string("code"), version: try row.int32("version"))
        let reader = try MonthReader(month: month, highestChargeID: 0, on: db)
        let lineItems = try reader.lineItems([line], on: db)
        let found = try reader.creatives(ofLineItems: [line], lineItems, on: db)
        guard let creative = found.values.first(where: { $0.id == id }), !creative.kktus.isEmpty else { return nil }
        let contracts = try reader.contracts(on: db)
        let contract = creative.contractIDs.first.flatMap { id in contracts.first { $0.id == id } }
        var wanted = Set([creative.personID].compactMap { $0 })
        if let contract { wanted.formUnion([contract.clientID, contract.contractorID]) }
        let persons = try MonthReader.persons(on: db).filter { wanted.contains($0.id) }
        var media: [(media: Media, bytes: [UInt8])] = []
        for picture in found.media where creative.mediaIDs.contains(picture.id) {
            let bytes = try db.query("select bytes from media where sha256 = $1", [.bytea(Hex.bytes(picture.sha256))])
            media.append((picture, try bytes.single().bytes("bytes")))
        }
        var cids: [CID] = []
        if !creative.cids.isEmpty { cids = try reader.cids(on: db).filter { creative.cids.contains($0.id) } }
        return RegistrationObjects(
            persons: persons, contract: contract, cids: cids, creative: creative, media: media)
    }
}
