import AdModel
import Store

/// How people and keys look as JSON; the same text goes into the audit log, so no secret may ever be in it.
enum IdentityJSON {
    static func session(_ json: inout JSONText, _ principal: Principal, _ token: SecretToken?) {
        json.member("side", principal.side.rawValue)
        if let person = principal.person {
            json.member("user") {
                $0.member("id", person.code)
                $0.member("email", person.email)
                $0.member("name", person.name)
                $0.member("language", person.language)
            }
        } else {
            json.member("user", raw: nil)
        }
        if let key = principal.key {
            json.member("key") {
                $0.member("id", key.code)
                $0.member("scopes", key.scopes ?? ["*"])
                $0.member("expires_at", key.expiresAt.micros == .max ? nil : key.expiresAt.rfc3339)
            }
        } else {
            json.member("key", raw: nil)
        }
        json.member("roles", principal.retailerRoles)
        json.member("advertisers", array: principal.advertisers) { json, access in
            json.object {
                $0.member("id", access.advertiserCode)
                $0.member("name", access.advertiserName)
                $0.member("role", access.role)
            }
        }
        let only = principal.session?.advertiserID
        json.member("advertiser", principal.advertisers.first { $0.advertiserID == only }?.advertiserCode)
        json.member("csrf_token", token?.pageToken)
        json.member("expires_at", principal.session?.expiresAt.rfc3339)
    }

    static func user(_ json: inout JSONText, _ user: UserRecord) {
        json.member("id", user.code)
        json.member("email", user.email)
        json.member("name", user.name)
        json.member("language", user.language)
        json.member("side", user.side.rawValue)
        json.member("has_password", user.hasPassword)
        json.member("disabled", user.disabled)
        json.member("memberships", array: user.memberships) { json, row in json.object { membership(&$0, row) } }
        json.member("created_at", user.createdAt.rfc3339)
        json.member("revision", user.revision)
    }

    static func membership(_ json: inout JSONText, _ membership: MembershipRecord) {
        json.member("id", membership.code)
        json.member("user", membership.userCode)
        json.member("role", membership.role)
        json.member("advertiser", membership.advertiserCode)
        json.member("advertiser_name", membership.advertiserName)
        json.member("created_at", membership.createdAt.rfc3339)
        json.member("revision", membership.revision)
    }

    static func invitation(_ json: inout JSONText, _ invitation: InvitationRecord) {
        json.member("id", invitation.code)
        json.member("email", invitation.email)
        json.member("language", invitation.language)
        json.member("role", invitation.role)
        json.member("advertiser", invitation.advertiserCode)
        json.member("state", invitation.state.rawValue)
        json.member("created_at", invitation.createdAt.rfc3339)
        json.member("expires_at", invitation.expiresAt.rfc3339)
    }

    static func key(_ json: inout JSONText, _ key: APIKeyRecord) {
        json.member("id", key.code)
        json.member("name", key.name)
        json.member("prefix", key.prefix)
        json.member("kind", key.kind)
        json.member("storefront", key.storefrontCode)
        json.member("advertiser", key.advertiserCode)
        json.member("role", key.role)
        if let scopes = key.scopes { json.member("scopes", scopes) } else { json.member("scopes", raw: nil) }
        json.member("expires_at", key.expiresAt?.rfc3339)
        json.member("created_at", key.createdAt.rfc3339)
        json.member("last_used_at", key.lastUsedAt?.rfc3339)
        json.member("revoked_at", key.revokedAt?.rfc3339)
        json.member("revision", key.revision)
    }

    static func text(_ row: UserRecord) -> String { whole { user(&$0, row) } }
    static func text(_ row: MembershipRecord) -> String { whole { membership(&$0, row) } }
    static func text(_ row: InvitationRecord) -> String { whole { invitation(&$0, row) } }
    static func text(_ row: APIKeyRecord) -> String { whole { key(&$0, row) } }

    private static func whole(_ build: (inout JSONText) -> Void) -> String {
        var json = JSONText()
        json.object(build)
        return json.text
    }
}
