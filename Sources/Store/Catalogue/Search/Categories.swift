import AdModel
import Postgres

/// A category of the shop's tree, as its feeds tell it.
public struct CategoryRecord: Sendable, Equatable {
    public var id: Int32
    public var code: String
    public var name: String
    /// Code of the parent; nil = a root.
    public var parent: String?
    /// Names from the root down to this category.
    public var path: [String]
    public var children: Int64
    /// Products that sit in this very category.
    public var products: Int64
}

/// Questions about the category tree.
public enum Categories {
    /// Levels that are followed upwards; feeds have a few.
    static let depth = 64

    /// Which categories are wanted.
    public enum Filter: Sendable, Equatable {
        case all
        case roots
        /// Direct children of the category with this code.
        case children(String)
        /// Names with all these words, each perhaps cut off.
        case words(String)
    }

    /// By id, ascending. Throws `Refusal.notFound` for children of nobody.
    public static func list(
        _ filter: Filter, after: Int64, limit: Int64, on db: isolated PostgresConnection
    ) throws -> [CategoryRecord] {
        var condition = "true"
        var parameters: [PostgresValue] = [.int8(after), .int8(limit)]
        switch filter {
        case .all: break
        case .roots: condition = "c.parent_id is null"
        case .children(let code):
            guard let row = try db.query("select id from category where code = $1", [.text(code)]).first else {
                throw Refusal.notFound
            }
            condition = "c.parent_id = $3"
            parameters.append(.int4(try row.int32("id")))
        case .words(let text):
            guard let words = SearchWords(text) else { return [] }
            condition = SearchWords.condition("c.name", 3)
            parameters += words.parameters
        }
        return try db.query(
            """
            with recursive chosen as (
                select c.id, c.code, c.name, c.parent_id from category c where c.id > $1 and \(condition)
                order by c.id limit $2
            ), up as (
                select id as leaf, parent_id, array[name] as path, 1 as level from chosen
                union all
                select u.leaf, p.parent_id, p.name || u.path, u.level + 1 from up u join category p on p.id = u.parent_id
                where u.level < \(depth)
            )
            select c.id, c.code, c.name, p.code as parent,
                (select u.path from up u where u.leaf = c.id order by u.level desc limit 1) as path,
                (select count(*) from category k where k.parent_id = c.id) as children,
                (select count(*) from product q where q.category_ids @> array[c.id]) as products
            from chosen c left join category p on p.id = c.parent_id order by c.id
            """, parameters
        ).map { row in
            CategoryRecord(
                id: try row.int32("id"), code: try row.string("code"), name: try row.string("name"),
                parent: try row.stringIfPresent("parent"), path: try row.stringArray("path"),
                children: try row.int64("children"), products: try row.int64("products"))
        }
    }
}

/// From what somebody typed to a text-search query: all words in any grammatical form, the last one perhaps cut off.
struct SearchWords {
    static let limit = 16

    /// Words that are complete, and the last word, as texts for `to_tsquery`.
    let whole: String
    let last: String
    /// The last word as a beginning.
    let beginning: String

    /// Only letters and digits are kept, so nothing of what was typed is an operator; nil when none is left.
    init?(_ text: String) {
        let words = text.lowercased().split { !$0.isLetter && !$0.isNumber }.prefix(Self.limit)
        guard let final = words.last else { return nil }
        whole = words.dropLast().map { "'\($0)'" }.joined(separator: " & ")
        last = "'\(final)'"
        // Not stemmed: the stem of «чай» begins many other words.
        beginning = "'\(final)':*"
    }

    var parameters: [PostgresValue] { [.text(whole), .text(last), .text(beginning)] }

    /// The condition on a text, whose parameters are numbered from `first` on.
    static func condition(_ column: String, _ first: Int) -> String {
        """
        to_tsvector('russian', \(column)) @@ (to_tsquery('russian', $\(first)) \
        && (to_tsquery('russian', $\(first + 1)) || to_tsquery('simple', $\(first + 2))))
        """
    }
}
