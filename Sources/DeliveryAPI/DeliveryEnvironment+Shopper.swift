import AdModel
import Audiences
import Measurement
import Store
import Telemetry

extension DeliveryEnvironment {
    /// The client of a request, past trusted proxies.
    func client(of request: EdgeRequest) -> ClientAddress? {
        settings.trustedProxies.client(peer: request.peer, forwardedFor: request.facts.forwardedFor)
    }

    /// The customer id that the shop vouches for.
    func verifiedCustomer(
        _ text: String, field: String, now: Timestamp
    ) throws(Problem) -> String {
        do {
            return try SignedCustomerID.verify(text, secrets: settings.customerSecrets, now: now)
        } catch {
            throw Problem(
                .invalidCustomerSignature,
                "Send id.expiry.HMAC signed with the shop's secret (\(error.code)).", field: field)
        }
    }

    /// What a pair of ids is remembered by.
    func linkKey(visitor: String, customer: String) -> UInt64 { shopperHash("\(visitor)\u{0}\(customer)") }

    /// Records that a visitor is a customer, once per pair as far as this node remembers. Nobody waits for it.
    func link(visitor: String, customer: String, storefrontID: Int32, now: Timestamp) {
        let key = linkKey(visitor: visitor, customer: customer)
        guard !links.contains(key) else { return }
        var bytes: [UInt8] = []
        LogRecordCodec.encode(
            .link(
                LinkRecord(
                    storefrontID: storefrontID, visitorID: visitor, customerID: customer, linkedAt: now,
                    receivedAt: now)), into: &bytes)
        let sink = log
        do {
            try bytes.withUnsafeBytes { try sink.append($0) }
            links.insert(key)
            if !audiences.isIdle {
                audiences.apply(
                    .link(visitor: keys.visitor(visitor), customer: keys.customer(customer), at: now), receivedAt: now)
            }
        } catch {
            // The next request of the same shopper tries again.
            counters.logRefusals.add()
        }
    }
}
