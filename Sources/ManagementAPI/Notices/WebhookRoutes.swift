import AdModel
import Outbound
import Postgres
import Store

/// `/v1/webhooks`: addresses that get notices, and what was sent to them.
enum WebhookRoutes {
    private static let path = "/v1/webhooks"
    private static let one = "/v1/webhooks/{id}"
    private static let allowed: Set<Role> = .campaigners

    static func add(to table: inout RouteTable) {
        table.get(path, .notices, allowed) { call in
            let query = try call.query()
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let rows = try WebhookStore.list(after: page.after, limit: page.fetchLimit, on: db)
                return .list(rows, call, page, id: { Int64($0.id) }) { render(&$0, $1) }
            }
        }
        table.get(one, .notices, allowed) { call in
            try call.requireNoQuery()
            return try await call.read { db in answer(try WebhookStore.get(call.path("id"), on: db)) }
        }
        table.post(path, .notices, allowed) { call in try await create(call) }
        table.patch(one, .notices, allowed) { call in try await update(call) }
        table.delete(one, .notices, allowed) { call in
            try call.requireNoQuery()
            return try await call.write { db, change in
                let webhook = try WebhookStore.get(call.path("id"), forUpdate: true, on: db)
                try change.requireMatch(webhook.revision)
                try WebhookStore.delete(webhook, on: db)
                audit(&change, "deleted", webhook, before: webhook, after: nil)
                return .noContent
            }
        }
        table.post("\(one)/rotate-secret", .notices, allowed) { call in
            try call.requireNoQuery()
            return try await call.write { db, change in
                let webhook = try WebhookStore.get(call.path("id"), forUpdate: true, on: db)
                try change.requireMatch(webhook.revision)
                let secret = WebhookStore.makeSecret()
                let made = try WebhookStore.rotate(webhook, secret: secret, sealer: call.services.sealer, on: db)
                audit(&change, "secret_rotated", webhook, before: webhook, after: made)
                return answer(made, secret: secret)
            }
        }
        DeliveryRoutes.add(to: &table, one, allowed)
    }

    private static func create(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let body = try await call.body()
        let owner = body.textIfPresent("advertiser", limit: 64)
        let url = address(body, call)
        let kinds = kinds(body)
        let active = body.bool("active") ?? true
        if owner == nil, !call.actor.isRetailer {
            body.problem("advertiser", "Name the advertiser whose notices are wanted.", code: "required")
        }
        try body.finish()
        return try await call.write { db, change in
            var advertiser: Int32?
            if let owner {
                do { advertiser = try AdvertiserStore.get(owner, on: db).id } catch is Refusal {
                    throw Refusal.unknownReference("advertiser", owner)
                }
            }
            let secret = WebhookStore.makeSecret()
            let made = try WebhookStore.create(
                advertiser: advertiser, url: url ?? "", kinds: kinds, active: active, secret: secret,
                actor: call.actor.name, sealer: call.services.sealer, now: call.now, on: db)
            audit(&change, "created", made, before: nil, after: made)
            return answer(made, status: 201, secret: secret)
        }
    }

    private static func update(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let body = try await call.body()
        body.readOnly("id", "advertiser", "secret", "created_at")
        let url = body.has("url") ? address(body, call) : nil
        let kinds = body.has("kinds") ? kinds(body) : nil
        if body.isNull("active") { body.problem("active", "true or false.", code: "required") }
        let active = body.bool("active")
        try body.finish()
        return try await call.write { db, change in
            let webhook = try WebhookStore.get(call.path("id"), forUpdate: true, on: db)
            try change.requireMatch(webhook.revision)
            let made = try WebhookStore.update(
                webhook, url: url ?? webhook.url, kinds: kinds ?? webhook.kinds, active: active ?? webhook.active,
                on: db)
            audit(&change, "updated", made, before: webhook, after: made)
            return answer(made)
        }
    }

    /// What the text of the address tells is refused at once; where its name leads is looked at with each call.
    private static func address(_ body: Fields, _ call: Call) -> String? {
        guard let url = body.text("url", limit: 2_000) else { return nil }
        do {
            try call.services.outbound.check(url)
        } catch {
            body.problem("url", "\(error)")
            return nil
        }
        return url
    }

    private static func kinds(_ body: Fields) -> [String] {
        let kinds = body.words("kinds", NoticeKind.names)
        if kinds.isEmpty { body.problem("kinds", "At least one kind of notice.", code: "required") }
        return kinds
    }

    private static func audit(
        _ change: inout Change, _ verb: String, _ webhook: Webhook, before: Webhook?, after: Webhook?
    ) {
        change.audit(
            "webhook.\(verb)", object: "webhook", id: webhook.code, advertiser: webhook.advertiserID,
            before: before.map { hook in WalletJSON.text { render(&$0, hook) } },
            after: after.map { hook in WalletJSON.text { render(&$0, hook) } })
    }

    private static func answer(_ webhook: Webhook, status: Int = 200, secret: String? = nil) -> Answer {
        var answer = Answer.json(
            status: status, revision: webhook.revision, location: status == 201 ? "\(path)/\(webhook.code)" : nil
        ) { json in
            render(&json, webhook)
            if let secret { json.member("secret", secret) }
        }
        answer.holdsSecret = secret != nil
        return answer
    }

    private static func render(_ json: inout JSONText, _ webhook: Webhook) {
        json.member("id", webhook.code)
        json.member("advertiser", webhook.advertiser)
        json.member("url", webhook.url)
        json.member("kinds", webhook.kinds)
        json.member("active", webhook.active)
        json.member("created_at", webhook.createdAt.rfc3339)
    }
}

/// What was sent to a webhook, and sending it again.
enum DeliveryRoutes {
    static func add(to table: inout RouteTable, _ webhook: String, _ allowed: Set<Role>) {
        table.get("\(webhook)/deliveries", .notices, allowed) { call in
            let query = try call.query()
            let state = try query.word("state", ["pending", "delivered", "dead"])
            let page = try query.page()
            try query.finish()
            return try await call.read { db in
                let webhook = try WebhookStore.get(call.path("id"), on: db)
                let rows = try WebhookDeliveries.list(
                    of: webhook, state: state, before: page.after, limit: page.fetchLimit, on: db)
                return .list(rows, call, page, id: { $0.id }) { render(&$0, $1) }
            }
        }
        table.get("\(webhook)/deliveries/{delivery}", .notices, allowed) { call in
            try call.requireNoQuery()
            return try await call.read { db in
                let webhook = try WebhookStore.get(call.path("id"), on: db)
                let delivery = try WebhookDeliveries.get(call.path("delivery"), of: webhook, on: db)
                let history = try WebhookDeliveries.history(of: delivery, on: db)
                return .json { json in
                    render(&json, delivery)
                    json.member("history", array: history) { json, attempt in
                        json.object { json in
                            json.member("attempted_at", attempt.attemptedAt.rfc3339)
                            json.member("status", attempt.status.map { Int64($0) })
                            json.member("error", attempt.error)
                            json.member("milliseconds", attempt.milliseconds)
                        }
                    }
                }
            }
        }
        table.post("\(webhook)/deliveries/{delivery}/redeliver", .notices, allowed) { call in
            try call.requireNoQuery()
            return try await call.write { db, change in
                let webhook = try WebhookStore.get(call.path("id"), on: db)
                let delivery = try WebhookDeliveries.redeliver(
                    call.path("delivery"), of: webhook, now: call.now, on: db)
                change.audit(
                    "webhook.redelivered", object: "webhook_delivery", id: delivery.code,
                    advertiser: webhook.advertiserID, after: WalletJSON.text { render(&$0, delivery) })
                return .json { render(&$0, delivery) }
            }
        }
    }

    private static func render(_ json: inout JSONText, _ delivery: WebhookDelivery) {
        json.member("id", delivery.code)
        json.member("notice", delivery.notice)
        json.member("kind", delivery.kind)
        json.member("state", delivery.state)
        json.member("attempts", delivery.attempts)
        json.member("next_attempt_at", delivery.state == "pending" ? delivery.nextAttemptAt.rfc3339 : nil)
        json.member("last_status", delivery.lastStatus.map { Int64($0) })
        json.member("last_error", delivery.lastError)
        json.member("created_at", delivery.createdAt.rfc3339)
        json.member("delivered_at", delivery.deliveredAt?.rfc3339)
    }
}
