import AdModel
import Postgres

extension SeedWriter {
    func write(_ part: SeedCampaign, on db: isolated PostgresConnection) throws {
        let advertiser = try advertiserID(part.advertiser, on: db)
        let contract = try contractID(part.contract, on: db)
        let before = try db.query("select state from campaign where code = $1", [.text(part.code)]).first?.string(
            "state")
        let campaign = try put(
            "campaign", "campaign", key: [SeedColumn("code", part.code)],
            [
                SeedColumn("advertiser_id", advertiser), SeedColumn("contract_id", contract),
                SeedColumn("name", part.name), SeedColumn("kktu", part.kktu), SeedColumn("state", part.state),
            ], on: db)
        try recordTransitions(campaign, from: before, to: part.state, on: db)
        try putVersion(
            of: "campaign \(part.code)", table: "campaign_version", owner: "campaign_id", ownerID: campaign,
            [
                SeedColumn("policy", part.policy), SeedColumn("brand_codes", sorted(part.brands)),
                SeedColumn("listed_skus", sorted(part.listedSKUs)),
                SeedColumn("listed_categories", sorted(part.listedCategories)),
            ], on: db)
        if part.state != "active" {
            report.notServable.append("campaign \(part.code) is \(part.state), not active")
        }
        for item in part.lineItems { try write(item, campaign: campaign, advertiser: advertiser, on: db) }
    }

    private func sorted(_ texts: [String]) -> [String] {
        texts.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// One row per step of the shortest way, so that the record shows moderation even when a file jumps over it.
    private func recordTransitions(
        _ campaign: Int32, from before: String?, to after: String, on db: isolated PostgresConnection
    ) throws {
        guard before != after else { return }
        var from = before
        var steps = [after]
        if let start = CampaignState(rawValue: before ?? "draft"), let goal = CampaignState(rawValue: after) {
            steps = (start.path(to: goal) ?? [goal]).map(\.rawValue)
            if before == nil { steps.insert("draft", at: 0) }
        }
        for step in steps {
            try db.query(
                """
                insert into campaign_transition (campaign_id, changed_at, from_state, to_state, actor, reason)
                values ($1, $2, $3, $4, 'seed', 'seed file')
                """,
                [.int4(campaign), .timestamptz(micros: now.micros), from.map { .text($0) } ?? .null, .text(step)])
            from = step
        }
    }

    /// Closes the open version where it differs and opens one from now on; the first version is valid since ever.
    private func putVersion(
        of what: String, table: String, owner: String, ownerID: Int32, _ columns: [SeedColumn],
        on db: isolated PostgresConnection
    ) throws {
        if try VersionedLists.put(table: table, owner: owner, ownerID: ownerID, columns, now: now, on: db) {
            count(.updated, "\(what): new version of what attribution reads")
        }
    }

    private func write(
        _ part: SeedLineItem, campaign: Int32, advertiser: Int32, on db: isolated PostgresConnection
    ) throws {
        let item = try put(
            "line item", "line_item", key: [SeedColumn("code", part.code)],
            [
                SeedColumn("campaign_id", campaign), SeedColumn("advertiser_id", advertiser),
                SeedColumn("name", part.name), SeedColumn("paused", part.paused),
                SeedColumn("starts_at", .timestamptz(micros: part.startsAt.micros)),
                SeedColumn("ends_at", .timestamptz(micros: part.endsAt.micros)), SeedColumn("tier", part.tier),
                SeedColumn("pricing", part.pricing), SeedColumn("bid_micros", part.bidMicros),
                SeedColumn("total_budget_micros", part.totalBudgetMicros),
                SeedColumn("daily_budget_micros", part.dailyBudgetMicros), SeedColumn("pacing", part.pacing),
                SeedColumn("caps", .jsonb(part.capsJSON)), SeedColumn("targeting", .jsonb(part.targeting.json)),
                SeedColumn("promoted", .jsonb(part.promoted.json)),
            ], on: db)
        let products = try PromotedProducts.resolve(part.promoted, now: now, on: db)
        if products.unlisted > 0 {
            log.add(
                part.place.path + ".promoted", part.place.line,
                "means \(products.skus.count + products.unlisted) products; at most \(PromotedProducts.limit) are accepted"
            )
        }
        if try VersionedLists.put(
            table: "line_item_version", owner: "line_item_id", ownerID: item,
            [SeedColumn("promoted_skus", products.skus)], now: now, on: db)
        {
            count(.updated, "line item \(part.code): promotes \(products.skus.count) products from now on")
        }
        if part.paused { report.notServable.append("line item \(part.code) is paused") }
        if !part.promoted.isEmpty, products.skus.isEmpty {
            report.notServable.append(
                "line item \(part.code) promotes no product of the catalogue yet; import the feed")
        }
        if part.creatives.isEmpty { report.notServable.append("line item \(part.code) has no creative") }
        for creative in part.creatives { try write(creative, lineItem: item, advertiser: advertiser, on: db) }
    }

    // MARK: Creatives

    private func write(
        _ part: SeedCreative, lineItem: Int32, advertiser: Int32, on db: isolated PostgresConnection
    ) throws {
        let creative = try put(
            "creative", "creative", key: [SeedColumn("code", part.code)],
            [
                SeedColumn("line_item_id", lineItem), SeedColumn("advertiser_id", advertiser),
                SeedColumn("format", part.format),
            ], on: db)
        for picture in part.pictures {
            let stored = try db.query(
                """
                insert into media (sha256, content_type, width, height, bytes) values ($1, $2, $3, $4, $5)
                on conflict (sha256) do nothing
                """,
                [
                    .bytea(picture.sha256), .text(picture.image.contentType), .int4(Int32(picture.image.width)),
                    .int4(Int32(picture.image.height)), .bytea(picture.bytes),
                ])
            count(stored.affected > 0 ? .created : .unchanged, "picture of creative \(part.code)")
        }
        let content = [
            SeedColumn("fields", .jsonb(part.fieldsJSON)), SeedColumn("landing_url", part.landingURL),
            SeedColumn("media_sha256", .byteaArray(part.pictures.map(\.sha256))), SeedColumn("ord_form", part.ordForm),
        ]
        let names = content.map(\.name).joined(separator: ", ")
        let latest = try db.query(
            """
            select id, version, erid, erid_status, approved_at is not null as approved,
                row(\(names)) is distinct from row($2, $3, $4, $5) as differs
            from creative_version where creative_id = $1 order by version desc limit 1
            """, [.int4(creative)] + content.map(\.value)
        ).first
        var version: Int32 = 1
        if let latest {
            version = try latest.int32("version")
            if try latest.bool("differs"), try latest.bool("approved") {
                version += 1
                if let erid = part.erid, erid == (try latest.stringIfPresent("erid")) {
                    log.add(
                        part.place.path + ".erid", part.place.line,
                        "the content changed, so this is version \(version), which needs its own erid; “\(erid)” belongs "
                            + "to version \(version - 1). Leave erid out until the operator has given one")
                    return
                }
            } else if let old = try latest.stringIfPresent("erid"), let erid = part.erid, erid != old,
                try latest.stringIfPresent("erid_status") != "bad"
            {
                log.add(
                    part.place.path + ".erid", part.place.line,
                    "version \(version) already carries “\(old)”; a token changes only after status bad")
                return
            }
        }
        // An erid that is left out stays what finance has typed.
        var columns = content
        if let erid = part.erid {
            columns += [SeedColumn("erid", erid), SeedColumn("erid_status", part.eridStatus)]
        }
        let key = [SeedColumn("creative_id", creative), SeedColumn("version", version)]
        let (id, change) = try SeedTable.put("creative_version", key: key, columns, on: db)
        count(change, "creative \(part.code) version \(version)")
        if part.approved {
            let approved = try db.query(
                "update creative_version set approved_at = $2 where id = $1 and approved_at is null",
                [.int4(id), .timestamptz(micros: now.micros)])
            if approved.affected > 0 { count(.updated, "creative \(part.code) version \(version): approved") }
        }
        let state = try db.query(
            "select approved_at is not null as approved, erid, erid_status from creative_version where id = $1",
            [.int4(id)]
        ).first
        if let state {
            if try !state.bool("approved") { report.notServable.append("creative \(part.code) is not approved") }
            if try state.stringIfPresent("erid") == nil {
                report.notServable.append("creative \(part.code) version \(version) has no erid")
            } else if try state.stringIfPresent("erid_status") == "bad" {
                report.notServable.append("creative \(part.code) version \(version): the operator refused its erid")
            }
        }
    }
}
