import AdModel
import Audiences
import Foundation
import Postgres

/// An audience as people keep it.
public struct AudienceRecord: Sendable, Equatable {
    public var id: Int32
    public var code: String
    /// Whose it is; nil = the retailer's, offered to everybody.
    public var advertiserID: Int32?
    public var advertiserCode: String?
    public var name: String
    public var condition: AudienceCondition
    public var createdAt: Timestamp
    public var revision: Int64

    public init(
        id: Int32 = 0, code: String, advertiserID: Int32? = nil, advertiserCode: String? = nil, name: String,
        condition: AudienceCondition, createdAt: Timestamp, revision: Int64 = 1
    ) {
        self.id = id
        self.code = code
        self.advertiserID = advertiserID
        self.advertiserCode = advertiserCode
        self.name = name
        self.condition = condition
        self.createdAt = createdAt
        self.revision = revision
    }

    public var definition: AudienceDefinition {
        AudienceDefinition(id: id, advertiserID: advertiserID, condition: condition)
    }
}

/// The document of a condition as text.
public enum AudienceDocument {
    /// Members in byte order, so that equal conditions are equal texts.
    public static func text(_ condition: AudienceCondition) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let bytes = try? encoder.encode(condition) else { return "{}" }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// nil when it is not the document of a condition.
    public static func condition(_ text: String) -> AudienceCondition? {
        try? JSONDecoder().decode(AudienceCondition.self, from: Data(text.utf8))
    }
}

/// A stored condition that this program cannot read, such as one of a newer program.
public struct AudienceDocumentError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Database id of the audience.
    public var audience: Int32
    /// Stable.
    public var code: String { "unreadable_audience" }
    public var isRetryable: Bool { false }
    public var description: String { "the condition of audience \(audience) cannot be read by this program" }
}
