import AdModel
import Postgres
import Store

/// What a writing route says about its change, inside the transaction that makes it.
public struct Change {
    let call: Call
    private var entries: [AuditEntry] = []
    private var bumps = false
    private var isSilent = false

    init(call: Call) { self.call = call }

    /// Records who did what: every write records at least one entry or fails.
    ///
    /// - Parameters:
    ///   - action: `<noun>.<verb in the past>`, for example `campaign.updated`.
    ///   - object: the noun; `id` its public id.
    ///   - advertiser: whose row it is; nil = the retailer's.
    ///   - before: the resource as JSON before the change, without secrets; nil when it was created.
    ///   - after: the same after the change; nil when it is gone.
    public mutating func audit(
        _ action: String, object: String, id: String, advertiser: Int32? = nil, before: String? = nil,
        after: String? = nil
    ) {
        entries.append(
            AuditEntry(
                actor: call.actor.name, action: action, object: object, id: id, advertiser: advertiser, before: before,
                after: after, requestID: call.requestID, at: call.now))
    }

    /// The change matters to serving: nodes learn of it when the transaction commits.
    public mutating func servingChanged() { bumps = true }

    /// For requests that turn out to change nothing (a repeated import, a state that is reached already).
    public mutating func nothingChanged() { isSilent = true }

    /// Refuses unless the request's `If-Match` names this revision, so that no update is lost.
    public func requireMatch(_ revision: Int64) throws(Refusal) {
        guard let given = call.header("if-match") else {
            throw Refusal(
                .preconditionRequired, "Send If-Match with the ETag that you read, so that no change is lost.")
        }
        guard given == Answer.tag(revision) || given == "W/" + Answer.tag(revision) else {
            throw Refusal(.preconditionFailed, "It has changed since you read it; read it again, then change it.")
        }
    }

    /// For changes that write their own entry, because they happen without a request too.
    public mutating func audited() { isSilent = true }

    func finish(on db: isolated PostgresConnection) throws {
        guard !entries.isEmpty || isSilent else { throw UnauditedWrite(request: call.requestID) }
        for entry in entries { try AuditLog.record(entry, on: db) }
        if bumps { try db.query("select bump_control_version('control')") }
    }
}

/// A programming error that tests find: a write left no trace.
struct UnauditedWrite: Error {
    var request: String
}
