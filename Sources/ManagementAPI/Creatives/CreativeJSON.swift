import AdModel
import Store

/// Creatives, versions and pictures as `creatives.yaml` describes them.
enum CreativeJSON {
    static func media(_ json: inout JSONText, _ media: StoredMedia, base: String) {
        json.member("id", media.id)
        json.member("content_type", media.contentType)
        json.member("width", media.width)
        json.member("height", media.height)
        json.member("frames", media.frames)
        json.member("bytes", media.size)
        json.member("url", "\(base)/\(media.path)")
        json.member("uploaded_at", media.uploadedAt?.rfc3339)
    }

    static func creative(_ json: inout JSONText, _ creative: CreativeRecord, base: String) {
        json.member("id", creative.code)
        json.member("name", creative.name)
        json.member("advertiser", creative.advertiser)
        json.member("campaign", creative.campaign)
        json.member("line_item", creative.lineItem)
        json.member("format", creative.format)
        json.member("paused", creative.paused)
        json.member("serving_version", creative.servable.map(Int64.init))
        json.member("newest") { version(&$0, creative.newest, base: base) }
    }

    static func version(_ json: inout JSONText, _ version: CreativeVersionRecord, base: String) {
        json.member("version", version.version)
        json.member("state", version.state.rawValue)
        json.member("fields", raw: version.fieldsJSON)
        json.member("landing_url", version.landingURL)
        json.member("media", array: version.media) { json, item in json.object { media(&$0, item, base: base) } }
        json.member("ord_form", version.ordForm)
        json.member("servable", version.isServable)
        json.member("feedback", version.feedback)
        json.member("created_at", version.createdAt.rfc3339)
        json.member("submitted_at", version.submittedAt?.rfc3339)
        json.member("approved_at", version.approvedAt?.rfc3339)
        json.member("rejected_at", version.rejectedAt?.rfc3339)
        json.member("revoked_at", version.revokedAt?.rfc3339)
        json.member("erid", version.erid)
        json.member("erid_status", version.eridStatus)
        json.member("erid_source", version.eridSource)
        if let known = version.registration {
            json.member("registration") { registration(&$0, known) }
        } else {
            json.member("registration", raw: nil)
        }
    }

    private static func registration(_ json: inout JSONText, _ registration: RegistrationRecord) {
        json.member("state", registration.state)
        json.member("attempts", registration.attempts)
        json.member("next_at", registration.nextAt.rfc3339)
        json.member("changed_at", registration.changedAt.rfc3339)
        if let code = registration.errorCode {
            json.member("error") {
                $0.member("code", code)
                $0.member("field", registration.errorField)
                $0.member("message", registration.errorMessage ?? "")
            }
        } else {
            json.member("error", raw: nil)
        }
    }

    static func changes(_ json: inout JSONText, _ name: String, _ changes: [CreativeChange]) {
        json.member(name, array: changes) { json, change in
            json.object {
                $0.member("field", change.field)
                $0.member("before", raw: change.before)
                $0.member("after", raw: change.after)
            }
        }
    }

    /// The creative as the audit log keeps it.
    static func audited(_ creative: CreativeRecord) -> String {
        var json = JSONText()
        json.object {
            $0.member("name", creative.name)
            $0.member("paused", creative.paused)
            $0.member("version", creative.newest.version)
            $0.member("state", creative.newest.state.rawValue)
            $0.member("fields", raw: creative.newest.fieldsJSON)
            $0.member("landing_url", creative.newest.landingURL)
            $0.member("media", creative.newest.media.map(\.id))
            $0.member("feedback", creative.newest.feedback)
            $0.member("erid", creative.newest.erid)
        }
        return json.text
    }

    static func findings(_ json: inout JSONText, _ name: String, _ findings: [ModerationFinding]) {
        json.member(name, array: findings) { json, finding in
            json.object {
                $0.member("code", finding.code)
                $0.member("effect", finding.effect.rawValue)
                $0.member("field", finding.field)
                $0.member("message", finding.message)
            }
        }
    }
}
