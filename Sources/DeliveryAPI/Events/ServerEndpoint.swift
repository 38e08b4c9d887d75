import AdModel
import Audiences
import Crypto
import Decisioning
import EventLog
import Measurement
import NIOCore
import NIOHTTP1
import Profiles
import Store
import Synchronization
import Telemetry

/// Server-to-server calls: orders, adjustments, links, stock. All need the storefront's server key.
final class ServerEndpoint {
    /// Database look-ups of one event loop that may be under way; past it the ledger decides alone.
    static let lookupLimit = 64

    private let environment: DeliveryEnvironment
    private var lookups = 0

    init(_ environment: DeliveryEnvironment) { self.environment = environment }

    // MARK: Who asks

    /// The state and the storefront whose server key the request carries.
    func authenticate(_ request: EdgeRequest, now: Timestamp) throws(Problem) -> (ServingState, Int32) {
        guard let state = environment.serving.state else {
            throw Problem(.notReady, "The keys are still being loaded; try again in a moment.")
        }
        guard let line = request.facts.authorization, line.utf8.count <= 256,
            line.lowercased().hasPrefix("bearer ")
        else { throw Problem(.unauthorized, "Send the header Authorization: Bearer nk_shop_....") }
        let text = line.dropFirst(7).filter { $0 != " " }
        // The table is keyed by the hash of the whole key: a look-up tells nothing about keys that almost fit.
        guard let key = state.data.serverKeys[Array(SHA256.hash(data: Array(text.utf8)))], key.expiresAt > now else {
            throw Problem(.unauthorized, "This key is not known, or has expired.")
        }
        return (state, key.storefrontID)
    }

    private func reader(_ request: EdgeRequest) -> JSONReader {
        JSONReader(Array(request.body.readableBytesView))
    }

    /// Notes a refused call in the log and passes the problem on.
    private func refuse(_ problem: Problem, kind: String, _ state: ServingState, _ storefrontID: Int32, now: Timestamp)
        -> Problem
    {
        Self.refuse(problem, kind: kind, environment, state, storefrontID, now: now)
    }

    private static func refuse(
        _ problem: Problem, kind: String, _ environment: DeliveryEnvironment, _ state: ServingState,
        _ storefrontID: Int32, now: Timestamp
    ) -> Problem {
        var intake = EventIntake(environment, state, now: now)
        _ = intake.refuse(problem.code, kind: kind, storefrontID: storefrontID, field: problem.field)
        try? intake.commit { _ in }
        return problem
    }

    // MARK: Orders and adjustments

    func order(_ request: EdgeRequest, now: Timestamp, reply: ReplySlot) throws(Problem) -> Handled {
        let (state, storefrontID) = try authenticate(request, now: now)
        var json = reader(request)
        let order: OrderRecord
        do throws(Problem) {
            order = try OrderBodies.order(&json, storefrontID: storefrontID, now: now)
        } catch {
            throw refuse(error, kind: "order", state, storefrontID, now: now)
        }
        return try take(
            Identified(
                kind: "order", clientID: order.orderID, hash: ClientContent.hash(order), record: .order(order),
                conflict: .orderConflict),
            request, state, storefrontID, now: now, reply)
    }

    func adjustment(_ request: EdgeRequest, orderID: String, now: Timestamp, reply: ReplySlot) throws(Problem)
        -> Handled
    {
        let (state, storefrontID) = try authenticate(request, now: now)
        var json = reader(request)
        let adjustment: AdjustmentRecord
        do throws(Problem) {
            guard CallerID.isAcceptable(Array(orderID.utf8)) else {
                throw Problem(.invalidField, "The order id in the address breaks the rules of ids.", field: "order_id")
            }
            adjustment = try OrderBodies.adjustment(&json, orderID: orderID, storefrontID: storefrontID, now: now)
        } catch {
            throw refuse(error, kind: "adjustment", state, storefrontID, now: now)
        }
        return try take(
            Identified(
                kind: "adjustment", clientID: adjustment.adjustmentID, hash: ClientContent.hash(adjustment),
                record: .adjustment(adjustment), conflict: .adjustmentConflict),
            request, state, storefrontID, now: now, reply)
    }

    /// Something that a client named, with the hash of what it says.
    private struct Identified: Sendable {
        var kind: String
        var clientID: String
        var hash: [UInt8]
        var record: LogRecord
        var conflict: ProblemCode

        func key(_ storefrontID: Int32) -> String { "\(kind)\u{0}\(storefrontID)\u{0}\(clientID)" }
    }

    private func take(
        _ it: Identified, _ request: EdgeRequest, _ state: ServingState, _ storefrontID: Int32, now: Timestamp,
        _ reply: ReplySlot
    ) throws(Problem) -> Handled {
        if let known = environment.recent.content(it.key(storefrontID)) {
            if known.hash != it.hash { throw conflict(it, state, storefrontID, now: now) }
            if known.isDurable {
                environment.counters.duplicates.add()
                return .answer(Self.status("duplicate"))
            }
        }
        guard let lookUp = environment.backend.contentHash, lookups < Self.lookupLimit else {
            return try append(it, request, state, storefrontID, now: now, reply)
        }
        // Another node or an earlier run may know it. Without the database the ledger decides.
        lookups += 1
        let found = reply.loop.makeFutureWithTask { try await lookUp(storefrontID, it.kind, it.clientID) }
        let bound = NIOLoopBound(self, eventLoop: reply.loop)
        found.whenComplete { result in
            let this = bound.value
            this.lookups -= 1
            var stored: [UInt8]?
            switch result {
            case .success(let hash): stored = hash
            case .failure: this.environment.counters.databaseFailures.add()
            }
            do throws(Problem) {
                if let stored {
                    this.environment.recent.remember(
                        it.key(storefrontID), RecentEvents.Content(hash: stored, isDurable: true))
                    guard stored == it.hash else { throw this.conflict(it, state, storefrontID, now: now) }
                    this.environment.counters.duplicates.add()
                    reply.send(Self.status("duplicate"))
                } else {
                    _ = try this.append(it, request, state, storefrontID, now: now, reply)
                }
            } catch {
                reply.send(.problem(error, requestID: request.id))
            }
        }
        return .later
    }

    private func conflict(_ it: Identified, _ state: ServingState, _ storefrontID: Int32, now: Timestamp) -> Problem {
        refuse(
            Problem(
                it.conflict, "Nothing was changed. Changes of an order are sent as adjustments, each with its own id.",
                field: "\(it.kind)_id"), kind: it.kind, state, storefrontID, now: now)
    }

    private func append(
        _ it: Identified, _ request: EdgeRequest, _ state: ServingState, _ storefrontID: Int32, now: Timestamp,
        _ reply: ReplySlot
    ) throws(Problem) -> Handled {
        let key = it.key(storefrontID)
        let recent = environment.recent
        recent.remember(key, RecentEvents.Content(hash: it.hash, isDurable: false))
        var intake = EventIntake(environment, state, now: now)
        intake.append(it.record)
        let requestID = request.id
        let environment = environment
        do throws(EventLogError) {
            try intake.commit { result in
                switch result {
                case .success:
                    recent.remember(key, RecentEvents.Content(hash: it.hash, isDurable: true))
                    if case .order(let order) = it.record { Self.teach(order, environment, state) }
                    reply.send(Self.status("accepted"))
                case .failure(let error):
                    recent.forget(key)
                    reply.send(.problem(EventsEndpoint.problem(error), requestID: requestID))
                }
            }
        } catch {
            recent.forget(key)
            throw EventsEndpoint.problem(error)
        }
        return .later
    }

    /// Profiles and audiences know an order as soon as it is certain.
    private static func teach(_ order: OrderRecord, _ environment: DeliveryEnvironment, _ state: ServingState) {
        if let visitor = order.visitorID {
            environment.profiles.apply(
                AudienceActions.profileOrder(order, state.snapshot), shopper: environment.shopperHash(visitor))
        }
        if !environment.audiences.isIdle,
            let action = AudienceActions.of(order, state.snapshot, environment.keys)
        {
            environment.audiences.apply(action, receivedAt: order.receivedAt)
        }
    }

    private static func status(_ word: StaticString) -> Answer { .json(Array("{\"status\":\"\(word)\"}".utf8)) }

    // MARK: Links

    func link(_ request: EdgeRequest, now: Timestamp, reply: ReplySlot) throws(Problem) -> Handled {
        let (state, storefrontID) = try authenticate(request, now: now)
        var json = reader(request)
        let link: LinkRecord
        do throws(Problem) {
            link = try OrderBodies.link(&json, storefrontID: storefrontID, now: now)
        } catch {
            throw refuse(error, kind: "link", state, storefrontID, now: now)
        }
        var intake = EventIntake(environment, state, now: now)
        intake.append(.link(link))
        let requestID = request.id
        let environment = environment
        do throws(EventLogError) {
            try intake.commit { result in
                switch result {
                case .success:
                    if !environment.audiences.isIdle {
                        let keys = environment.keys
                        environment.audiences.apply(
                            .link(
                                visitor: keys.visitor(link.visitorID), customer: keys.customer(link.customerID),
                                at: link.linkedAt), receivedAt: link.receivedAt)
                    }
                    reply.send(Self.status("accepted"))
                case .failure(let error):
                    reply.send(.problem(EventsEndpoint.problem(error), requestID: requestID))
                }
            }
        } catch {
            throw EventsEndpoint.problem(error)
        }
        return .later
    }

    // MARK: Stock

    func stock(_ request: EdgeRequest, now: Timestamp, reply: ReplySlot) throws(Problem) -> Handled {
        let (state, storefrontID) = try authenticate(request, now: now)
        var json = reader(request)
        let body: StockBody
        do throws(Problem) {
            body = try StockBody(&json, now: now)
        } catch {
            throw refuse(error, kind: "stock", state, storefrontID, now: now)
        }
        guard let apply = environment.backend.applyStock else {
            throw Problem(.databaseUnavailable, "Stock cannot be stored at the moment; send it again later.")
        }
        let requestID = request.id
        let environment = environment
        reply.loop.makeFutureWithTask { try await apply(body.items, body.location, body.asOf) }.whenComplete { result in
            switch result {
            case .success(let stored): reply.send(.json(Self.render(stored)))
            case .failure(let error as StockError):
                let problem = Self.refuse(
                    Self.problem(error), kind: "stock", environment, state, storefrontID, now: now)
                reply.send(.problem(problem, requestID: requestID))
            case .failure:
                environment.counters.databaseFailures.add()
                reply.send(
                    .problem(
                        Problem(.databaseUnavailable, "Nothing was stored; send the same call again later."),
                        requestID: requestID))
            }
        }
        return .later
    }

    private static func problem(_ error: StockError) -> Problem {
        switch error {
        case .unknownLocation: Problem(.unknownLocation, error.description, field: "location")
        case .tooMany: Problem(.tooMany, error.description, field: "items")
        case .invalid(let index, let field, _):
            Problem(.invalidField, error.description, field: "items[\(index)].\(field)")
        }
    }

    /// Counts by outcome, and the items that were not applied, by index.
    private static func render(_ stored: StockResult) -> [UInt8] {
        var out = JSONOut()
        out.raw("{\"counts\":{")
        for (index, outcome) in StockOutcome.allCases.enumerated() {
            out.raw(index == 0 ? "\"" : ",\"")
            out.raw("\(outcome.name)\":\(stored.count(outcome))")
        }
        out.raw("},\"results\":[")
        for (index, outcome) in stored.outcomes.enumerated() {
            out.raw(index == 0 ? "" : ",")
            out.raw("{\"index\":\(index),\"status\":\"\(outcome.name)\"}")
        }
        out.raw("]}")
        return out.bytes
    }
}
