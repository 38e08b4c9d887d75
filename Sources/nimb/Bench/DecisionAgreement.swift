import AdModel
import Decisioning
import DeliveryAPI
import Foundation
import GeoIP
import Measurement
import Postgres
import Profiles
import Store

/// Decides again what a server has answered, from the same database and by asking every line item, to see that a
/// fast answer is a right one.
final class DecisionAgreement {
    private static let slots = ["top", "side", "bottom", "shelf"]

    private let state: ServingState
    private let tokens: AdTokenCodec
    private let leases: LeaseTable
    private let regions: GeoDatabase?
    private let scratch = Scratch()

    private init(state: ServingState, tokens: AdTokenCodec, regions: GeoDatabase?) {
        self.state = state
        self.tokens = tokens
        self.regions = regions
        leases = LeaseTable(maximumLineItemID: state.data.input.lineItems.map(\.id).max() ?? 0)
        for line in state.data.input.lineItems { leases.grant(line.id, .roubles(1_000_000)) }
    }

    /// - Parameters:
    ///   - secrets: of the server, to read its tokens.
    ///   - geoip: file of its GeoIP database.
    static func load(_ pool: PostgresPool, secrets: SecretsFile, geoip: String?) async throws -> DecisionAgreement {
        let loader = SnapshotLoader(
            pool: pool, formats: try AdFormatLoader.load(extra: nil), mediaBaseURL: "http://localhost")
        let data = try await loader.load(now: SystemClock.now())
        return DecisionAgreement(
            state: try ServingState(data: data, stock: try await loader.stock(of: data.promotedProductIDs)),
            tokens: AdTokenCodec(secrets.tokenKeys), regions: try geoip.map { try GeoDatabase(path: $0) })
    }

    /// Whether the answer to a page of a shopper who was never seen has the ads, in their order and with the same
    /// products and prices, that deciding again gives.
    func agrees(_ page: BenchRequests.Page, _ body: [UInt8]) -> Bool {
        guard let answer = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any],
            let id = (answer["decision_id"] as? String).flatMap(Self.decisionID),
            let slots = answer["slots"] as? [String: Any]
        else { return false }
        decide(page, id)
        let snapshot = state.snapshot
        for (index, name) in Self.slots.enumerated() {
            guard let slot = slots[name] as? [String: Any], let ads = slot["ads"] as? [[String: Any]] else {
                return false
            }
            let found = scratch.result.slots[index]
            guard ads.count == Int(found.adCount) else { return false }
            for (position, ad) in ads.enumerated() {
                guard let wire = ad["token"] as? String, let token = try? tokens.open(wire) else { return false }
                let own = scratch.result.ads[Int(found.firstAd) + position]
                let cards = scratch.result.cards[Int(own.firstCard)..<Int(own.firstCard + own.cardCount)]
                guard token.lineItemID == snapshot.lines[Int(own.line)].id, token.price.value == own.price,
                    token.productIDs == cards.map({ snapshot.products[Int($0.product)].id })
                else { return false }
            }
        }
        return true
    }

    private func decide(_ page: BenchRequests.Page, _ id: DecisionID) {
        let snapshot = state.snapshot
        scratch.request.clear()
        scratch.request.pageType = .category
        scratch.request.device = page.isMobile ? .mobile : .desktop
        scratch.request.location = snapshot.lookup.locations.find("loc-\(page.location)")
        let region =
            page.region
            ?? page.address.flatMap { address in
                regions?.lookup(address)?.regionCode
            }
        scratch.request.region = region.map { snapshot.lookup.regions.find($0) } ?? -1
        scratch.request.shopper = 1
        scratch.request.categories = [snapshot.lookup.categories.find("cat-\(page.category)")]
        scratch.request.brands = [snapshot.lookup.brands.find("brand-\(page.brand)")]
        for name in Self.slots {
            let placement = snapshot.lookup.placements.find(name, scope: snapshot.lookup.storefronts.find("shop"))
            scratch.request.slots.append(DecisionRequest.Slot(placement: placement))
        }
        Decider.decide(
            scratch.request, snapshot: snapshot, stock: state.stock, profiles: ProfileStore(maximumProfiles: 1),
            budget: leases, now: id.issuedAt, seed: id.seed, scratch: scratch, search: .exhaustive)
    }

    private static func decisionID(_ hex: String) -> DecisionID? {
        guard hex.utf8.count == 32, let at = UInt64(hex.prefix(16), radix: 16),
            let low = UInt64(hex.suffix(16), radix: 16)
        else { return nil }
        return DecisionID(issuedAt: Timestamp(micros: Int64(bitPattern: at)), low: low)
    }
}
