import AdModel
import ORD
import Store

/// `/v1/advertisers/{id}/wallet`: what is in it and what moves it.
enum WalletRoutes {
    private static let path = "/v1/advertisers/{id}/wallet"
    /// Characters of a reference.
    private static let referenceLimit = 128

    static func add(to table: inout RouteTable) {
        table.get(path, .wallet, .everyone) { call in
            try call.requireNoQuery()
            return try await call.read { db in
                let advertiser = try AdvertiserStore.get(call.path("id"), on: db)
                let summary = try WalletStore.summary(advertiser: advertiser.id, now: call.now, on: db)
                return .json { WalletJSON.summary(&$0, advertiser, summary) }
            }
        }
        table.get("\(path)/entries", .wallet, .everyone) { call in
            let query = try call.query()
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let advertiser = try AdvertiserStore.get(call.path("id"), on: db)
                let rows = try WalletStore.entries(
                    advertiser: advertiser.id, after: page.after, limit: Int(page.fetchLimit), on: db)
                return .list(rows, call, page, id: { $0.id }) { WalletJSON.entry(&$0, $1, call) }
            }
        }
        table.get("\(path)/charges", .wallet, .everyone) { call in try await charges(call) }
        table.post("\(path)/top-ups", .wallet, .treasurers) { call in try await topUp(call) }
        table.post("\(path)/withdrawals", .wallet, .treasurers) { call in
            let body = try await call.body()
            let request = Request(body)
            try body.finish()
            return try await record(call, .withdrawal, request)
        }
        table.post("\(path)/refunds", .wallet, .treasurers) { call in
            let body = try await call.body()
            let campaign = body.text("campaign", limit: 64)
            var request = Request(body)
            request.campaign = campaign
            try body.finish()
            return try await record(call, .refund, request)
        }
        table.post("\(path)/charge-refunds", .wallet, .treasurers) { call in try await refundCharge(call) }
    }

    /// What every movement says of itself.
    private struct Request {
        var amount: Int64
        var amountWithVAT: Int64?
        var reference: String
        var reason: String
        var contract: String?
        var campaign: String?

        init(_ body: Fields, canHoldVAT: Bool = false) {
            let limit = WalletStore.amountLimit.value
            if canHoldVAT, body.has("amount_with_vat_micros") {
                amountWithVAT = body.int("amount_with_vat_micros", 1...limit)
                if let whole = amountWithVAT, whole % 10_000 != 0 {
                    body.problem("amount_with_vat_micros", "Whole kopecks only: a multiple of 10000.")
                }
                if body.has("amount_micros") {
                    body.problem("amount_micros", "Give the sum with VAT or the one without, not both.")
                }
                amount = 0
            } else {
                amount = body.int("amount_micros", 1...limit) ?? 0
            }
            reference = body.text("reference", limit: WalletRoutes.referenceLimit) ?? ""
            if reference.hasPrefix("bank:") {
                body.problem("reference", "References that begin with bank: are made by imports.", code: "not_allowed")
            }
            reason = body.text("reason", limit: 500) ?? ""
        }
    }

    private static func topUp(_ call: Call) async throws -> Answer {
        let body = try await call.body()
        var request = Request(body, canHoldVAT: true)
        request.contract = body.textIfPresent("contract", limit: 64)
        try body.finish()
        return try await record(call, .topUp, request)
    }

    private static func record(_ call: Call, _ kind: WalletKind, _ request: Request) async throws -> Answer {
        try call.requireNoQuery()
        return try await call.write { db, change in
            let advertiser = try AdvertiserStore.get(call.path("id"), on: db)
            var movement = WalletMovement(
                kind: kind, amount: Micros(request.amount), reference: request.reference, reason: request.reason,
                actor: call.actor.name)
            movement.contractID = try request.contract.map {
                try WalletReferences.contract($0, advertiser: advertiser.id, on: db)
            }
            movement.campaignID = try request.campaign.map {
                try WalletReferences.campaign($0, advertiser: advertiser.id, on: db)
            }
            if let whole = request.amountWithVAT {
                let rate = try WalletReferences.rate(
                    contract: movement.contractID, advertiser: advertiser.id, now: call.now, on: db)
                let parts = WalletVAT.splitting(paid: KopeckAmount(kopecks: whole / 10_000), at: rate)
                movement.amount = parts.net.micros
                movement.paid = parts
                movement.rate = rate
            }
            let (entry, isNew) = try WalletStore.record(movement, advertiser: advertiser.id, now: call.now, on: db)
            if isNew {
                change.audit(
                    "wallet.\(kind.rawValue)", object: "wallet_entry", id: entry.code, advertiser: advertiser.id,
                    after: WalletJSON.text { WalletJSON.entry(&$0, entry, call) })
                // Line items that stood still for want of money ask for it again at once.
                change.servingChanged()
            } else {
                change.nothingChanged()
            }
            return .json(status: isNew ? 201 : 200) { WalletJSON.entry(&$0, entry, call) }
        }
    }

    private static func refundCharge(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let body = try await call.body()
        let charge = body.text("charge", limit: 20)
        let request = Request(body)
        if let charge, Int64(charge) == nil {
            body.problem("charge", "There is no such charge.", code: "unknown_reference")
        }
        try body.finish()
        return try await call.write { db, change in
            let advertiser = try AdvertiserStore.get(call.path("id"), on: db)
            let booked = try ChargeRefund.book(
                charge: charge.flatMap { Int64($0) } ?? 0, amount: Micros(request.amount),
                reference: request.reference, reason: request.reason, advertiser: advertiser.id,
                zone: try RetailerStore.zone(on: db), now: call.now, on: db)
            let campaign = try WalletReferences.campaignCode(booked.campaignID, on: db)
            if booked.isNew {
                change.audit(
                    "wallet.charge_refunded", object: "charge", id: String(booked.chargeID), advertiser: advertiser.id,
                    after: WalletJSON.text { WalletJSON.refund(&$0, booked, campaign, request.reference) })
                change.servingChanged()
            } else {
                change.nothingChanged()
            }
            return .json(status: booked.isNew ? 201 : 200) {
                WalletJSON.refund(&$0, booked, campaign, request.reference)
            }
        }
    }

    private static func charges(_ call: Call) async throws -> Answer {
        let query = try call.query()
        let day = try query.day("day")
        let campaign = try query.text("campaign", limit: 64)
        let over = try query.bool("over_delivery")
        let page = try query.page()
        try query.finish()
        return try await call.read { db in
            let advertiser = try AdvertiserStore.get(call.path("id"), on: db)
            let rows = try ChargeReader.list(
                advertiser: advertiser.id, day: day, campaign: campaign, overDelivery: over, after: page.after,
                limit: page.fetchLimit, on: db)
            return .list(rows, call, page, id: { $0.id }) { WalletJSON.charge(&$0, $1) }
        }
    }
}
