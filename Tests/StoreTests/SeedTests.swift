import AdModel
import Postgres
import Store
import TestKit
import Testing

@Suite("Seed", .database)
struct SeedTests {
    typealias Fixture = SeedFixture

    @Test func aSeedWritesMoneyTimesAndListsExactly() async throws {
        let report = try await Fixture.apply(Fixture.basic)
        #expect(report.notServable.isEmpty)
        #expect(report.controlVersion == 2)
        #expect(try await Fixture.rows("select credit_limit_micros from advertiser") == ["(100000001)"])
        #expect(try await Fixture.rows("select amount_micros, reference from wallet_entry") == ["(1000000000,pay-1)"])
        #expect(try await Fixture.rows("select amount_kopecks, vat_rate from contract") == ["(100000050,22)"])
        #expect(try await Fixture.rows("select floor_micros, max_ads from placement") == ["(12500000,2)"])
        #expect(
            try await Fixture.rows(
                "select bid_micros, total_budget_micros, daily_budget_micros, pacing, caps, promoted from line_item")
                == [
                    #"(150250000,5000000000,,asap,"[{""per"": ""day"", ""count"": 3}]","{""skus"": [""p-2"", ""p-1""], ""brands"": [], ""categories"": []}")"#
                ])
        #expect(
            try await Fixture.rows(
                "select starts_at at time zone 'Europe/Moscow', ends_at at time zone 'Europe/Moscow' from line_item")
                == [#"("2026-11-01 00:00:00","2026-12-01 00:00:00")"#])
        #expect(
            try await Fixture.rows("select valid_from, valid_to, listed_skus, brand_codes from campaign_version")
                == [#"(-infinity,infinity,"{l-1,l-2}",{coffee})"#])
        #expect(
            try await Fixture.rows("select valid_from, valid_to, promoted_skus from line_item_version")
                == [#"(-infinity,infinity,"{p-1,p-2}")"#])
        #expect(
            try await Fixture.rows("select alias from brand_alias order by alias collate \"C\"")
                == ["(Coffee)", "(КОФЕ)", "(Кофе)"])
        #expect(try await Fixture.rows("select content_type, width, height from media") == ["(image/png,960,240)"])
        #expect(
            try await Fixture.rows(
                "select version, erid, erid_status, ord_form, approved_at is not null, fields from creative_version")
                == [#"(1,2VfnxTest0001,verified,banner,t,"{""size"": 3, ""title"": ""Кофе""}")"#])
        #expect(
            try await Fixture.rows("select stock_max_age, billing_deadline_click from retailer") == [
                "(48:00:00,24:00:00)"
            ])
        #expect(
            try await Fixture.rows("select from_state, to_state from campaign_transition order by id")
                == ["(,draft)", "(draft,moderation)", "(moderation,approved)", "(approved,active)"])
    }

    @Test func aSecondRunChangesNothingAndSaysSo() async throws {
        let first = try await Fixture.apply(Fixture.basic)
        let before = try await Fixture.dump()
        let second = try await Fixture.apply(Fixture.basic, at: Fixture.now + .days(3))
        #expect(!second.changedAnything)
        #expect(second.controlVersion == nil)
        #expect(second.generatedKeys.isEmpty)
        #expect(second.unchanged >= first.created - 1)
        #expect(try await Fixture.dump() == before)
    }

    @Test func checkingReportsAndWritesNothing() async throws {
        let before = try await Fixture.dump()
        let report = try await Fixture.apply(Fixture.basic, checkOnly: true)
        #expect(report.created > 15)
        #expect(try await Fixture.dump() == before)
    }

    @Test func aKeyIsShownOnceAndOnlyItsHashIsStored() async throws {
        let report = try await Fixture.apply(Fixture.basic)
        let key = try #require(report.generatedKeys.first)
        #expect(report.generatedKeys.count == 1)
        #expect(key.code == "shop-key" && key.kind == "shop")
        #expect(key.text.hasPrefix("nk_shop_") && key.text.utf8.count == 51)
        #expect(APIKeyText.isWellFormed(key.text, kind: "shop"))
        let stored = try await TestDatabase.current.pool.withConnection { db in
            try db.query("select hash, prefix from api_key where code = 'shop-key'").single().bytes("hash")
        }
        #expect(stored == APIKeyText.hash(key.text))
        let found = try await Fixture.rows(
            "select a.code from api_key k join advertiser a on a.id = k.advertiser_id "
                + "where k.hash = sha256('\(Fixture.environment["ADV_KEY"] ?? "")')")
        #expect(found == ["(adv)"])
        #expect(try await !Fixture.dump().contains { $0.contains(key.text) })
    }

    @Test func aChangedListClosesTheOldVersionAndOpensANewOne() async throws {
        try await Fixture.apply(Fixture.basic)
        let later = Fixture.now + .hours(1)
        let changed = Fixture.basic
            .setting(["campaigns", 0, "listed_skus"], ["l-3"])
            .setting(["campaigns", 0, "line_items", 0, "promoted", "skus"], ["p-9"])
        let report = try await Fixture.apply(changed, at: later)
        #expect(report.controlVersion == 3)
        let at = "to_timestamp(\(later.micros / 1_000_000))"
        #expect(
            try await Fixture.rows(
                "select valid_from = '-infinity', valid_from = \(at), valid_to = \(at), listed_skus "
                    + "from campaign_version order by valid_from")
                == [#"(t,f,t,"{l-1,l-2}")"#, "(f,t,f,{l-3})"])
        #expect(
            try await Fixture.rows("select valid_to = \(at), promoted_skus from line_item_version order by valid_from")
                == [#"(t,"{p-1,p-2}")"#, "(f,{p-9})"])
        #expect(try await !Fixture.apply(changed, at: later + .hours(1)).changedAnything)
    }

    @Test func anAliasAndAGrantThatLeftTheFileAreClosedNotErased() async throws {
        try await Fixture.apply(Fixture.basic)
        let later = Fixture.now + .hours(1)
        let without = Fixture.basic
            .setting(["brands", 0, "aliases"], ["КОФЕ"])
            .setting(["advertisers", 0, "grants"], [])
        try await Fixture.apply(without, at: later)
        let at = "to_timestamp(\(later.micros / 1_000_000))"
        #expect(
            try await Fixture.rows("select alias from brand_alias where valid_to = \(at)") == ["(Coffee)"])
        #expect(try await Fixture.rows("select count(*) from brand_grant where valid_to = \(at)") == ["(1)"])
        #expect(try await !Fixture.apply(without, at: later + .hours(1)).changedAnything)
        // What comes back is valid from then on, and stays put in the next run.
        let again = later + .hours(2)
        try await Fixture.apply(Fixture.basic, at: again)
        let reopened = "to_timestamp(\(again.micros / 1_000_000))"
        #expect(
            try await Fixture.rows(
                "select valid_from = \(reopened), valid_to = \(at), valid_to = 'infinity' from brand_grant order by id")
                == ["(f,t,f)", "(t,f,t)"])
        #expect(try await !Fixture.apply(Fixture.basic, at: again + .hours(1)).changedAnything)
    }

    @Test func anAliasThatMovesToAnotherBrandMeansOneBrandAtATime() async throws {
        try await Fixture.apply(Fixture.basic)
        let later = Fixture.now + .hours(1)
        // The new owner stands first in the file, so its row is written while the old one is still open.
        let moved = Fixture.basic.setting(
            ["brands"],
            [
                ["code": "beans", "name": "Зёрна", "aliases": ["КОФЕ"]],
                ["code": "coffee", "name": "Кофе", "aliases": [["alias": "Coffee", "from": "2026-01-01"]]],
            ])
        try await Fixture.apply(moved, at: later)
        let at = "to_timestamp(\(later.micros / 1_000_000))"
        #expect(
            try await Fixture.rows(
                """
                select b.code, a.valid_from = \(at), a.valid_to = \(at) from brand_alias a
                join brand b on b.id = a.brand_id where alias = 'КОФЕ' order by a.id
                """) == ["(coffee,f,t)", "(beans,t,f)"])
        #expect(try await !Fixture.apply(moved, at: later + .hours(1)).changedAnything)
    }

    @Test func anAliasThatABrandOutsideTheFileKeepsIsAProblemOfTheFile() async throws {
        try await Fixture.apply(Fixture.basic)
        let before = try await Fixture.dump()
        let other = Fixture.basic.setting(["brands"], [["code": "beans", "name": "Зёрна", "aliases": ["КОФЕ"]]])
        let error = await #expect(throws: SeedError.self) { try await Fixture.apply(other, at: Fixture.now) }
        #expect(error?.problems.first?.reason.contains("two brands") == true)
        #expect(try await Fixture.dump() == before)
    }

    @Test func anApprovedCreativeIsNeverEdited() async throws {
        try await Fixture.apply(Fixture.basic)
        let creative: [Any] = ["campaigns", 0, "line_items", 0, "creatives", 0]
        let edited = Fixture.basic.setting(creative + ["landing_url"], "https://shop.example/c/2")
        let error = await #expect(throws: SeedError.self) { try await Fixture.apply(edited) }
        #expect(error?.problems.map(\.path) == ["campaigns[0].line_items[0].creatives[0].erid"])
        let withoutToken = edited.setting(creative + ["erid"], nil).setting(creative + ["erid_status"], nil)
        let report = try await Fixture.apply(withoutToken)
        #expect(report.notServable == ["creative banner version 2 has no erid"])
        let withToken = edited.setting(creative + ["erid"], "2VfnxTest0002")
        #expect(try await Fixture.apply(withToken).notServable.isEmpty)
        #expect(
            try await Fixture.rows("select version, erid, landing_url from creative_version order by version")
                == [
                    "(1,2VfnxTest0001,https://shop.example/c/1)", "(2,2VfnxTest0002,https://shop.example/c/2)",
                ])
        #expect(try await !Fixture.apply(withToken).changedAnything)
    }

    @Test func aDraftOfACreativeIsEditedInPlace() async throws {
        let creative: [Any] = ["campaigns", 0, "line_items", 0, "creatives", 0]
        let draft = Fixture.basic.setting(creative + ["approved"], false)
        #expect(try await Fixture.apply(draft).notServable == ["creative banner is not approved"])
        try await Fixture.apply(draft.setting(creative + ["landing_url"], "https://shop.example/c/2"))
        #expect(
            try await Fixture.rows("select version, landing_url, approved_at from creative_version")
                == ["(1,https://shop.example/c/2,)"])
    }

    @Test func statesMoveForwardOnly() async throws {
        try await Fixture.apply(Fixture.basic)
        try await Fixture.apply(Fixture.basic.setting(["campaigns", 0, "state"], "archived"))
        #expect(
            try await Fixture.rows("select to_state from campaign_transition order by id desc limit 2")
                == ["(archived)", "(finished)"])
        let error = await #expect(throws: SeedError.self) { try await Fixture.apply(Fixture.basic) }
        #expect(error?.description == "seed.yaml: campaigns[0].state: a campaign cannot go from archived to active")
    }

    @Test func rulesMeanTheProductsOfTheCatalogue() async throws {
        let item: [Any] = ["campaigns", 0, "line_items", 0, "promoted"]
        let seed = Fixture.basic.setting(item, ["skus": ["z"], "categories": ["10"], "brands": ["coffee"]])
        let empty = try await Fixture.apply(
            seed.setting(item + ["skus"], nil))
        #expect(empty.notServable == ["line item line promotes no product of the catalogue yet; import the feed"])
        try await TestDatabase.current.pool.withConnection { db in
            try db.script(
                """
                insert into category (code, parent_id, name) values ('10', null, 'a');
                insert into category (code, parent_id, name) select '101', id, 'b' from category;
                insert into category (code, parent_id, name) values ('20', null, 'c');
                insert into product (sku, name, brand, category_ids)
                select v.sku, v.sku, v.brand, array(select id from category where code = v.category)
                from (values ('s1', 'КОФЕ', '101'), ('s2', 'coffee', '10'), ('s3', 'Чай', '101'), ('s4', 'КОФЕ', '20'),
                    ('s5', 'кофе', '10')) v (sku, brand, category);
                """)
        }
        try await Fixture.apply(seed, at: Fixture.now + .hours(1))
        #expect(
            try await Fixture.rows("select promoted_skus from line_item_version where valid_to = 'infinity'")
                == [#"("{s1,s2,z}")"#])
    }
}
