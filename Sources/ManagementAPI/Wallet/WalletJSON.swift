import AdModel
import ORD
import Store

/// Wallets as JSON. Money is micro-roubles without VAT unless the member's name says otherwise.
enum WalletJSON {
    static func text(_ build: (inout JSONText) -> Void) -> String {
        var json = JSONText()
        json.object(build)
        return json.text
    }

    static func summary(_ json: inout JSONText, _ advertiser: Advertiser, _ summary: WalletSummary) {
        json.member("advertiser", advertiser.code)
        json.member("balance_micros", summary.balance.value)
        json.member("credit_limit_micros", summary.creditLimit.value)
        json.member("reserved_micros", summary.reserved.value)
        json.member("available_micros", summary.available.value)
        json.member("withdrawable_micros", summary.withdrawable.value)
        json.member("spent_micros", summary.spent.value)
        json.member("over_delivery_events", summary.overDeliveryEvents)
        json.member("over_delivery_micros", summary.overDelivery.value)
    }

    static func entry(_ json: inout JSONText, _ entry: WalletEntry, _ call: Call) {
        json.member("id", entry.code)
        json.member("kind", entry.kind.rawValue)
        json.member("amount_micros", entry.amount.value)
        json.member("amount_with_vat_micros", entry.paid?.micros.value)
        json.member("vat_micros", entry.vat?.micros.value)
        json.member("vat_rate", entry.rate?.rawValue)
        json.member("campaign", entry.campaign)
        json.member("reference", entry.reference)
        json.member("reason", entry.reason)
        json.member("actor", actor(entry.actor, call))
        json.member("recorded_at", entry.recordedAt.rfc3339)
    }

    /// An advertiser is not told who of the retailer's people it was.
    static func actor(_ name: String, _ call: Call) -> String { call.actor.isRetailer ? name : "retailer" }

    static func refund(_ json: inout JSONText, _ booked: ChargeRefund.Booked, _ campaign: String, _ reference: String) {
        json.member("id", String(booked.id))
        json.member("charge", String(booked.chargeID))
        json.member("campaign", campaign)
        json.member("amount_micros", booked.amount.value)
        json.member("day", booked.day.description)
        json.member("reference", reference)
    }

    static func charge(_ json: inout JSONText, _ charge: ChargeRow) {
        json.member("id", String(charge.id))
        json.member("kind", charge.kind)
        json.member("day", charge.day.description)
        json.member("event_time", charge.eventTime.rfc3339)
        json.member("campaign", charge.campaign)
        json.member("line_item", charge.lineItem)
        json.member("price_micros", charge.price.value)
        json.member("amount_micros", charge.amount.value)
        json.member("reason", charge.reason)
        json.member("corrects", charge.corrects.map { String($0) })
    }

    static func line(_ json: inout JSONText, _ line: StatementLine, _ call: Call) {
        json.member("day", line.day.description)
        json.member("kind", line.kind.rawValue)
        json.member("id", line.object)
        json.member("amount_micros", line.amount.value)
        json.member("vat_rate", line.rate?.rawValue)
        json.member("vat_micros", line.vat?.micros.value)
        json.member("amount_with_vat_micros", line.amountWithVAT?.micros.value)
        json.member("balance_micros", line.balance.value)
        json.member("reference", line.reference)
        json.member("reason", line.reason)
        json.member("actor", line.actor.map { actor($0, call) })
        json.member("campaign", line.campaign)
        json.member("events", line.events)
        json.member("over_delivery_events", line.overDeliveryEvents)
        json.member("over_delivery_micros", line.overDelivery.value)
    }

    static func totals(_ json: inout JSONText, _ statement: WalletStatement) {
        for kind in StatementLine.Kind.allCases {
            let total = statement.totals[kind] ?? WalletStatement.Total()
            json.member(kind.rawValue) { json in
                json.member("amount_micros", total.amount.value)
                json.member("vat_micros", total.vat.micros.value)
                json.member("amount_with_vat_micros", total.amountWithVAT.micros.value)
            }
        }
    }
}
