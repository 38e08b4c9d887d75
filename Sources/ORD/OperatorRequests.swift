import Crypto

/// One idempotent write to the operator (ord.md section 2): the whole object under an id of our own.
public struct OperatorRequest: Hashable, Sendable {
    /// Our id of the object.
    public var externalID: String
    /// Path below the operator's base address.
    public var path: String
    /// JSON in its one spelling.
    public var body: [UInt8]

    public init(externalID: String, path: String, body: [UInt8]) {
        self.externalID = externalID
        self.path = path
        self.body = body
    }

    /// SHA-256 of path and body: the same object in the same form.
    public var fingerprint: [UInt8] { Array(SHA256.hash(data: Array("\(path)\n".utf8) + body)) }
}

/// The writes that registering a creative needs, in the order in which they refer to each other.
public enum OperatorRequests {
    public static func person(_ person: Person) -> OperatorRequest {
        OperatorRequest(externalID: person.id, path: "/v1/person/\(person.id)", body: VKBodies.person(person).bytes)
    }

    public static func contract(_ contract: Contract) -> OperatorRequest {
        OperatorRequest(
            externalID: contract.id, path: "/v1/contract/\(contract.id)", body: VKBodies.contract(contract).bytes)
    }

    /// A contract that another operator registered.
    public static func cid(_ cid: CID) -> OperatorRequest {
        OperatorRequest(externalID: cid.id, path: "/v1/cid/\(cid.id)", body: VKBodies.cid(cid).bytes)
    }

    public static func creative(_ creative: Creative) -> OperatorRequest {
        OperatorRequest(
            externalID: creative.id, path: "/v3/creative/\(creative.id)", body: VKBodies.creative(creative).bytes)
    }

    /// Where the creative's token is read.
    public static func creativePath(_ id: String) -> String { "/v3/creative/\(id)" }
    /// Where the register's answer is read.
    public static func statusPath(ofCreative id: String) -> String { "/v1/creative/\(id)/erir_status" }
    /// Where a picture is sent, as a form with the field `media_file`.
    public static func mediaPath(_ id: String) -> String { "/v1/media/\(id)" }
}
