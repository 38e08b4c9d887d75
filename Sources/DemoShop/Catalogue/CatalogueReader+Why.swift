import Foundation

extension CatalogueReader {
    /// Why a page got its ads, as the retailer's own key may ask: who won each slot, and how many others each reason
    /// kept out. Bids, prices, scores and names of those who lost stay here: a shopper's browser reads the rest.
    ///
    /// - Parameter decision: id of a decision, 32 hexadecimal digits.
    /// - Returns: JSON; nil for what is no id.
    func why(_ decision: String) async throws -> String? {
        guard decision.utf8.count == 32, decision.allSatisfy(\.isHexDigit) else { return nil }
        let found: Explained = try await get("/v1/decisions/\(decision.lowercased())")
        let slots = (found.auction?.slots ?? []).map { slot in
            var others: [String: Int] = [:]
            for it in slot.candidates where it.outcome == "outbid" { others["outbid", default: 0] += 1 }
            for it in slot.reasons { others[it.reason, default: 0] += it.count }
            return Told.Slot(
                placement: slot.placement,
                won: slot.ads.map {
                    Told.Won(
                        campaign: $0.campaign,
                        interests: $0.score_parts.map { $0.category_interest + $0.brand_interest > 0 } ?? false,
                        products: $0.products.count)
                }, others: others)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(Told(slots: slots)), as: UTF8.self)
    }

    private struct Told: Encodable {
        struct Won: Encodable {
            var campaign: String
            /// The shopper's own interests spoke for it.
            var interests: Bool
            var products: Int
        }

        struct Slot: Encodable {
            var placement: String
            var won: [Won]
            var others: [String: Int]
        }

        var slots: [Slot]
    }

    /// The part of the answer that is read.
    private struct Explained: Decodable {
        struct Parts: Decodable {
            var category_interest: Int
            var brand_interest: Int
        }

        struct Ad: Decodable {
            var campaign: String
            var products: [String]
            var score_parts: Parts?
        }

        struct Candidate: Decodable {
            var outcome: String
        }

        struct Reason: Decodable {
            var reason: String
            var count: Int
        }

        struct Slot: Decodable {
            var placement: String
            var ads: [Ad]
            var candidates: [Candidate]
            var reasons: [Reason]
        }

        struct Auction: Decodable {
            var slots: [Slot]
        }

        var auction: Auction?
    }
}
