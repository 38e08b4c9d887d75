import AdModel
import Store

/// Campaigns as the API shows them.
enum CampaignJSON {
    static let path = "/v1/campaigns"

    static func answer(_ campaign: Campaign, status: Int = 200) -> Answer {
        .json(
            status: status, revision: campaign.revision, location: status == 201 ? "\(path)/\(campaign.code)" : nil
        ) { render(&$0, campaign) }
    }

    static func text(_ campaign: Campaign) -> String { JSONText.object { render(&$0, campaign) } }

    static func render(_ json: inout JSONText, _ campaign: Campaign) {
        json.member("id", campaign.code)
        json.member("advertiser", campaign.advertiser)
        json.member("contract", campaign.contract)
        json.member("name", campaign.name)
        json.member("kktu", campaign.kktu)
        json.member("state", campaign.state.rawValue)
        json.member("held", campaign.held)
        json.member("feedback", campaign.feedback)
        json.member("policy", campaign.policy)
        json.member("credited") { credited(&$0, campaign.credited) }
        json.member("companions", campaign.companions)
        json.member("starts_at", campaign.startsAt?.description)
        json.member("ends_at", campaign.endsAt?.description)
        json.member("line_items", campaign.lineItems)
        json.member("created_at", campaign.createdAt.description)
        json.member("revision", campaign.revision)
    }

    static func credited(_ json: inout JSONText, _ credited: CreditedProducts) {
        json.member("brands", credited.brands)
        json.member("skus", credited.skus)
        json.member("groups", credited.groups)
        json.member("categories", credited.categories)
    }

    static func render(_ json: inout JSONText, _ version: CreditVersion) {
        json.member("valid_from", version.validFrom?.description)
        json.member("valid_to", version.validTo?.description)
        json.member("policy", version.policy)
        json.member("credited") { credited(&$0, version.credited) }
        json.member("resolved_skus", version.resolvedSKUs)
    }

    static func render(_ json: inout JSONText, _ transition: CampaignTransition, showsActor: Bool) {
        json.member("at", transition.at.description)
        json.member("from", transition.from?.rawValue)
        json.member("to", transition.to.rawValue)
        // An advertiser is not told who of the retailer's people it was.
        json.member("actor", transition.side == .retailer && !showsActor ? "retailer" : transition.actor)
        json.member("reason", transition.reason)
    }
}
