import Postgres

/// Whose rows a transaction may see and write. Row level security enforces it; this is the only place that sets it.
public enum TenantScope: Equatable, Sendable {
    /// All rows: serving, shipping, jobs, and finding out who is calling.
    case system
    /// All rows, for the retailer's people.
    case retailer
    /// Rows of these advertisers only; empty = none.
    case advertisers([Int32])

    /// The role that the management API works under; see the migration `tenancy`.
    public static let role = "nimb_app"

    /// Sets the scope until the end of the open transaction.
    public func enter(on db: isolated PostgresConnection) throws {
        let (scope, ids) =
            switch self {
            case .system: ("system", "")
            case .retailer: ("retailer", "")
            case .advertisers(let ids): ("advertisers", ids.map(String.init).joined(separator: ","))
            }
        try db.query(
            "select set_config('nimb.scope', $1, true), set_config('nimb.advertisers', $2, true)",
            [.text(scope), .text(ids)])
    }
}

extension PostgresOptions {
    /// The same database for code that works for all tenants: serving, shipping, jobs.
    public var asSystem: PostgresOptions {
        var options = self
        options.settings["nimb.scope"] = "system"
        return options
    }

    /// The same database under the role of the management API: no rows until a transaction names its tenant.
    public var asManagement: PostgresOptions {
        var options = self
        options.role = TenantScope.role
        // Said aloud: the role that connects may have another scope of its own.
        options.settings["nimb.scope"] = ""
        return options
    }
}
