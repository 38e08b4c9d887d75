import AdModel
import Decisioning
import EventLog
import Measurement
import NIOCore
import NIOHTTP1
import Store
import Telemetry

/// `POST /v1/events`, the impression pixel and the click redirect, on one event loop.
final class EventsEndpoint {
    private let environment: DeliveryEnvironment
    private var body: [UInt8] = []

    init(_ environment: DeliveryEnvironment) { self.environment = environment }

    private func current() throws(Problem) -> ServingState {
        guard let state = environment.serving.state else {
            throw Problem(.notReady, "The campaigns are still being loaded; try again in a moment.")
        }
        return state
    }

    // MARK: Batch

    func batch(_ request: EdgeRequest, now: Timestamp, reply: ReplySlot) throws(Problem) -> Handled {
        let state = try current()
        // Moved, not copied: two owners would make the reader take new memory.
        var memory: [UInt8] = []
        swap(&memory, &body)
        memory.removeAll(keepingCapacity: true)
        memory.append(contentsOf: request.body.readableBytesView)
        var json = JSONReader(memory)
        memory = []
        defer { body = json.text }
        let parsed = try EventsBody(&json)
        let storefront = state.snapshot.lookup.storefronts.find(parsed.storefront)
        guard storefront >= 0 else {
            throw Problem(.unknownStorefront, "No storefront has this code.", field: "storefront")
        }
        let storefrontID = state.snapshot.storefronts[Int(storefront)].id
        let sender = EventSender(request, environment)
        var intake = EventIntake(environment, state, now: now)
        var results: [EventResult] = []
        results.reserveCapacity(parsed.events.count)
        for event in parsed.events {
            if let problem = event.problem {
                results.append(
                    intake.refuse(problem.code, kind: event.type, storefrontID: storefrontID, field: problem.field))
            } else if let kind = event.adKind {
                let (result, _) = intake.adEvent(
                    kind, token: event.token, card: event.card, occurredAt: event.occurredAt,
                    shopper: AdEventShopper(declared: event.visitorID, hasRefused: event.consent == false),
                    storefrontID: storefrontID, sender: sender)
                results.append(result)
            } else if let kind = event.signal {
                results.append(intake.signal(event, kind, storefront: storefront, sender: sender))
            }
        }
        let answer = Answer.json(Self.render(results))
        return try acknowledge(intake, request, reply, answer)
    }

    private static func render(_ results: [EventResult]) -> [UInt8] {
        var out = JSONOut(capacity: 16 + results.count * 40)
        out.raw("{\"results\":[")
        for (index, result) in results.enumerated() {
            out.raw(index == 0 ? "{\"index\":" : ",{\"index\":")
            out.raw("\(index),\"status\":\"\(result.status.rawValue)\"")
            if let code = result.code { out.raw(",\"code\":\"\(code.rawValue)\"") }
            if let field = result.field {
                out.raw(",\"field\":")
                out.string(field)
            }
            out.raw("}")
        }
        out.raw("]}")
        return out.bytes
    }

    /// Answers once the log has everything on disk.
    private func acknowledge(
        _ intake: EventIntake, _ request: EdgeRequest, _ reply: ReplySlot, _ answer: Answer
    ) throws(Problem) -> Handled {
        guard intake.batch.count > 0 else { return .answer(answer) }
        let requestID = request.id
        do throws(EventLogError) {
            try intake.commit { result in
                switch result {
                case .success: reply.send(answer)
                case .failure(let error): reply.send(.problem(Self.problem(error), requestID: requestID))
                }
            }
        } catch {
            throw Self.problem(error)
        }
        return .later
    }

    static func problem(_ error: EventLogError) -> Problem {
        if error == .full {
            return Problem(.logFull, "Nothing of this request was kept; send it again after the Retry-After time.")
        }
        return Problem(.logUnavailable, "Nothing of this request is known to be kept; send it again later.")
    }

    // MARK: Pixel

    /// The smallest transparent GIF.
    static let gif: [UInt8] = [
        0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x01, 0x00, 0x01, 0x00, 0x80, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0x00, 0x00,
        0x00, 0x21, 0xF9, 0x04, 0x01, 0x00, 0x00, 0x00, 0x00, 0x2C, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00,
        0x00, 0x02, 0x02, 0x44, 0x01, 0x00, 0x3B,
    ]

    private static let uncached: [(name: String, value: String)] = [
        ("cache-control", "no-store, no-cache, must-revalidate, private"), ("pragma", "no-cache"), ("expires", "0"),
        ("cross-origin-resource-policy", "cross-origin"),
    ]

    /// Counts the event and answers a picture whatever came of it: a page must not show a broken one.
    func pixel(_ request: EdgeRequest, token: String, now: Timestamp, reply: ReplySlot) throws(Problem) -> Handled {
        let state = try current()
        let picture = Answer(status: 200, contentType: "image/gif", body: Self.gif, headers: Self.uncached)
        if request.head.method == .HEAD { return .answer(picture) }
        var kind = AdEventKind.impression
        switch PercentDecoding.value("kind", in: request.query) {
        case nil, "impression": break
        case "viewable": kind = .viewable
        default: throw Problem(.invalidField, "Expected impression or viewable.", field: "kind")
        }
        let card = try Self.card(PercentDecoding.value("card", in: request.query))
        var intake = EventIntake(environment, state, now: now)
        _ = intake.adEvent(
            kind, token: token, card: card, occurredAt: nil, shopper: AdEventShopper(), storefrontID: nil,
            sender: EventSender(request, environment))
        return try acknowledge(intake, request, reply, picture)
    }

    private static func card(_ text: String?) throws(Problem) -> Int8 {
        guard let text else { return -1 }
        guard let card = Int8(text), (0..<Int8(Limits.adsPerSlot)).contains(card) else {
            throw Problem(.invalidField, "Expected 0 to \(Limits.adsPerSlot - 1).", field: "card")
        }
        return card
    }

    // MARK: Click

    /// Redirects to where the advertised creative or product leads, and nowhere else. The click is durable before
    /// the browser leaves; when the log cannot take it the shopper is redirected all the same and it is counted.
    func click(
        _ request: EdgeRequest, token wire: String, card text: String?, now: Timestamp, reply: ReplySlot
    ) throws(Problem) -> Handled {
        let state = try current()
        let unknown = Problem(.unknownAd, "This link was not made by this server, or is too old.")
        let card: Int8
        do throws(Problem) { card = try Self.card(text) } catch { throw unknown }
        if wire.hasPrefix(PreviewParameter.tokenPrefix) {
            guard let address = previewAddress(wire, card: card, state, now: now) else { throw unknown }
            return .answer(Self.redirect(to: address))
        }
        var intake = EventIntake(environment, state, now: now)
        let (_, token) = intake.adEvent(
            .click, token: wire, card: card, occurredAt: nil, shopper: AdEventShopper(), storefrontID: nil,
            sender: EventSender(request, environment))
        guard let token, let address = address(of: token, card: card, state) else {
            // The refusal is worth keeping, the page of a broken link need not wait for it.
            if request.head.method != .HEAD, intake.batch.count > 0 { try? intake.commit { _ in } }
            throw unknown
        }
        let redirect = Self.redirect(to: address)
        if request.head.method == .HEAD || intake.batch.count == 0 { return .answer(redirect) }
        let counters = environment.counters
        do throws(EventLogError) {
            try intake.commit { result in
                if case .failure = result { counters.clicksNotLogged.add() }
                reply.send(redirect)
            }
        } catch {
            counters.clicksNotLogged.add()
            return .answer(redirect)
        }
        return .later
    }

    private static func redirect(to address: String) -> Answer {
        Answer(
            status: 302, contentType: "text/plain; charset=utf-8", body: [],
            headers: uncached + [("location", address), ("referrer-policy", "no-referrer-when-downgrade")])
    }

    /// Where a click on a preview leads, as long as this node remembers the creative.
    private func previewAddress(
        _ wire: String, card: Int8, _ state: ServingState, now: Timestamp
    ) -> String? {
        let text = wire.dropFirst(PreviewParameter.tokenPrefix.count)
        guard let version = try? environment.backend.previewParameter?.open(text, now: now),
            let preview = environment.previews.landing(version)
        else { return nil }
        if card >= 0, Int(card) < preview.cards.count, let url = preview.cards[Int(card)].url,
            let address = Landing.address(
                url, erid: preview.creative.erid,
                hosts: state.data.storefronts.reduce(into: []) { $0.formUnion($1.landingHosts) })
        {
            return address
        }
        return Landing.address(preview.creative.landingURL, erid: preview.creative.erid, hosts: nil)
    }

    /// The product's page when a card was clicked and its host is the shop's, else the creative's landing page.
    private func address(of token: AdToken, card: Int8, _ state: ServingState) -> String? {
        guard let creative = state.data.creatives[token.creativeVersionID] else { return nil }
        if card >= 0, Int(card) < token.productIDs.count,
            let url = state.data.products[token.productIDs[Int(card)]]?.url,
            let storefront = state.data.storefronts.first(where: { $0.id == token.storefrontID }),
            let address = Landing.address(url, erid: creative.erid, hosts: storefront.landingHosts)
        {
            return address
        }
        return Landing.address(creative.landingURL, erid: creative.erid, hosts: nil)
    }
}
