import AdModel
import Postgres
import Store

/// The stored answer of a creating request: the same key again gets it, and nothing is created twice. Answers are kept
/// for a day. Two requests with one key at a time follow each other, because the second waits for the first's row.
struct Idempotency {
    var actor: String
    var key: String
    var requestHash: [UInt8]
    var now: Timestamp

    /// The stored answer; nil when this request is the first.
    func begin(on db: isolated PostgresConnection) throws -> Answer? {
        let inserted = try db.query(
            """
            insert into idempotency_key (actor, key, request_hash, created_at) values ($1, $2, $3, $4)
            on conflict (actor, key) do nothing returning 1
            """, [.text(actor), .text(key), .bytea(requestHash), .timestamptz(micros: now.micros)])
        if inserted.first != nil { return nil }
        guard
            let row = try db.query(
                """
                select request_hash, status, content_type, headers ->> 'etag' as etag, headers ->> 'location' as location,
                    body
                from idempotency_key where actor = $1 and key = $2
                """, [.text(actor), .text(key)]
            ).first
        else { throw Refusal(.conflict, "A request with this Idempotency-Key runs now; try again.", retryAfter: 1) }
        guard try row.bytes("request_hash") == requestHash else {
            throw Refusal(
                .idempotencyKeyReused, field: "Idempotency-Key",
                "This key was used for another request; take a new one.")
        }
        guard let body = try row.bytesIfPresent("body") else {
            throw Refusal(
                .secretAlreadyShown, "It was created by the first request, which showed its secret; that is shown once."
            )
        }
        var answer = Answer(
            status: Int(try row.int32("status")), contentType: try row.stringIfPresent("content_type"), body: body)
        answer.headers["etag"] = try row.stringIfPresent("etag")
        answer.headers["location"] = try row.stringIfPresent("location")
        answer.headers["idempotent-replayed"] = "true"
        return answer
    }

    func finish(_ answer: Answer, on db: isolated PostgresConnection) throws {
        var headers = JSONText()
        headers.object { json in
            for name in ["etag", "location"] {
                if let value = answer.headers[name] { json.member(name, value) }
            }
        }
        try db.query(
            """
            update idempotency_key set status = $3, content_type = $4, headers = $5, body = $6
            where actor = $1 and key = $2
            """,
            [
                .text(actor), .text(key), .int4(Int32(answer.status)),
                answer.contentType.map(PostgresValue.text) ?? .null, .jsonb(headers.text),
                answer.holdsSecret ? .null : .bytea(answer.body),
            ])
    }
}
