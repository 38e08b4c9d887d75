import AdModel
import Decisioning
import Measurement
import Store

/// Decisions explained as JSON; the command line prints the same.
public enum DecisionJSON {
    /// As `GET /v1/decisions/{id}` answers it.
    public static func explanation(_ it: DecisionExplanation) -> String {
        var json = JSONText()
        json.object { explanation(it, &$0) }
        return json.text
    }

    static func explanation(_ it: DecisionExplanation, _ json: inout JSONText) {
        json.member("id", it.id.hex)
        json.member("decided_at", it.id.issuedAt.rfc3339)
        json.member("storefront", it.storefront)
        json.member("page") { json in
            json.member("type", it.pageType.rawValue)
            json.member("category", it.category)
            json.member("brand", it.brand)
            json.member("product", it.product)
        }
        json.member("placements", it.placements)
        json.member("reconstructed", it.answers.contains { $0.slots.contains { $0.isReconstructed } })
        json.member("line_items", array: it.answers) { json, answer in json.object { line(answer, it, &$0) } }
        guard let whole = it.whole else {
            json.member("auction", raw: nil)
            return
        }
        json.member("auction") { auction(whole, &$0) }
    }

    private static func line(
        _ answer: DecisionExplanation.Answer, _ it: DecisionExplanation, _ json: inout JSONText
    ) {
        json.member("line_item", answer.line.code)
        json.member("name", answer.line.name)
        json.member("campaign", answer.line.campaign)
        json.member("slots", array: answer.slots) { json, slot in
            json.object { json in
                json.member("placement", it.placements[slot.slot])
                outcome(slot.outcome, &json)
                score(slot.score, slot.parts, &json)
                json.member("reconstructed", slot.isReconstructed)
            }
        }
    }

    private static func auction(_ it: DecisionExplanation.Whole, _ json: inout JSONText) {
        json.member("node", it.node)
        json.member("device", it.device.rawValue)
        json.member("location", it.location)
        json.member("region", it.region)
        json.member("snapshot_version", it.snapshotVersion)
        json.member("stock_version", it.stockVersion)
        json.member("slots", array: it.slots) { json, slot in
            json.object { json in
                json.member("placement", slot.placement)
                json.member("no_fill", slot.noFill)
                json.member("ads", array: slot.ads) { json, ad in
                    json.object { json in
                        name(ad.line, &json)
                        json.member("creative", ad.creative)
                        json.member("price_micros", ad.priceMicros)
                        score(ad.score, ad.parts, &json)
                        json.member("products", ad.products)
                    }
                }
                json.member("candidates", array: slot.candidates) { json, it in
                    json.object { json in
                        name(it.line, &json)
                        outcome(it.outcome, &json)
                        score(it.score, it.parts, &json)
                    }
                }
                json.member("reasons", array: slot.reasons) { json, counted in
                    json.object { json in
                        json.member("reason", counted.reason.name)
                        json.member("count", counted.count)
                    }
                }
            }
        }
        json.member("stopped", array: it.stopped) { json, it in
            json.object { json in
                name(it.line, &json)
                outcome(it.outcome, &json)
            }
        }
    }

    private static func name(_ it: DecisionExplanation.LineName, _ json: inout JSONText) {
        json.member("line_item", it.code)
        json.member("campaign", it.campaign)
        json.member("advertiser", it.advertiser)
    }

    private static func outcome(_ it: LineExplanation.Outcome, _ json: inout JSONText) {
        json.member("outcome", it.name)
        json.member("stage", it.stage?.rawValue)
    }

    private static func score(_ value: Float?, _ parts: ScoreParts?, _ json: inout JSONText) {
        json.member("score", decimal: value.flatMap(number))
        guard let parts else {
            json.member("score_parts", raw: nil)
            return
        }
        json.member("score_parts") { json in
            json.member("click_probability", decimal: number(parts.clickProbability))
            json.member("category_interest", parts.categoryInterest)
            json.member("brand_interest", parts.brandInterest)
            json.member("price_level", parts.priceLevel)
            json.member("draw", parts.draw)
        }
    }

    /// Shortest decimal that is the number; what is none of a decision's comes as null.
    private static func number(_ value: Float) -> String? { value.isFinite ? "\(value)" : nil }
}
