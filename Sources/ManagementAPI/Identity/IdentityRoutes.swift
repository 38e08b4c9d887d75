import Postgres
import Store

/// Users, sessions, keys and the audit log.
enum IdentityRoutes {
    static func add(to table: inout RouteTable) {
        SessionRoutes.add(to: &table)
        PasswordRoutes.add(to: &table)
        UserRoutes.add(to: &table)
        MembershipRoutes.add(to: &table)
        InvitationRoutes.add(to: &table)
        KeyRoutes.add(to: &table)
        AuditRoutes.add(to: &table)
    }
}

/// What the routes of this area share.
enum Grants {
    /// Who may let others in: the retailer's admin, and an advertiser's manager for his advertiser.
    static let givers: Set<Role> = [.admin, .advertiserManager]

    /// Letting others in is more than any one area: a key that is limited to some must not widen itself that way.
    static func requireFullPower(_ call: Call) throws {
        guard let scopes = call.actor.scopes, !scopes.contains("*") else { return }
        throw Refusal(.insufficientScope, "Only a key with the scope * may let others in.")
    }

    /// The id that a caller chose for a new row, or a generated one; only the retailer may choose.
    static func code(_ fields: Fields, _ call: Call, prefix: String) -> String {
        guard call.actor.isRetailer else {
            fields.readOnly("id")
            return Code.make(prefix)
        }
        return fields.code("id") ?? Code.make(prefix)
    }

    /// The role of a body with the advertiser that goes with it.
    static func role(_ fields: Fields, _ call: Call) -> (role: String, advertiser: String?) {
        let allowed = call.actor.isRetailer ? AccessRoles.retailer + AccessRoles.advertiser : AccessRoles.advertiser
        let role = fields.word("role", allowed) ?? ""
        let advertiser = fields.textIfPresent("advertiser", limit: 64)
        if AccessRoles.isAdvertiser(role), advertiser == nil {
            fields.problem("advertiser", "Name the advertiser that the role is for.", code: "required")
        }
        if AccessRoles.retailer.contains(role), advertiser != nil {
            fields.problem("advertiser", "A role with the retailer has no advertiser.", code: "not_allowed")
        }
        return (role, advertiser)
    }

    /// Internal id of an advertiser that the tenant may see; foreign and absent are refused alike.
    static func advertiser(
        _ code: String?, field: String = "advertiser", on db: isolated PostgresConnection
    ) throws -> Int32? {
        guard let code else { return nil }
        guard let row = try db.query("select id from advertiser where code = $1", [.text(code)]).first else {
            throw Refusal.unknownReference(field, code)
        }
        return try row.int32("id")
    }
}
