import AdModel
import ORD
import ORDGateway
import Postgres
import Store
import TestKit
import Testing

/// The second stage: what the register says of a month, and what follows from it without anybody pressing a button.
@Suite("The register's word on a month", .database)
struct RegisterTests {
    @Test func manyObjectsAreAskedForAtOnce() async throws {
        try await SendingWorld.run(looks: 0) { world in
            let push = try await world.start(try await world.export())
            var sender = MonthSender.Options()
            sender.listFrom = 2
            sender.listPage = 4
            try await world.sender(sender).run()
            #expect(try await world.push(push.code).state == .verified)
            let log = await world.book.log
            #expect(!log.contains { $0.contains("/erir_status") && !$0.contains("erir_statuses") }, "\(log)")
            // 14 objects, four a page: persons, contract, pads, creatives, rows and the act.
            #expect(log.count { $0.hasPrefix("GET /v1/erir_statuses") } == 4)
        }
    }

    @Test func anOperatorWithoutTheListIsAskedOneByOne() async throws {
        try await SendingWorld.run(looks: 0) { world in
            let push = try await world.start(try await world.export())
            await world.book.plan(.status(404), on: "GET /v1/erir_statuses", times: 9)
            var sender = MonthSender.Options()
            sender.listFrom = 2
            try await world.sender(sender).run()
            #expect(try await world.push(push.code).state == .verified)
        }
    }

    @Test func aMonthOfWhichTheRegisterHasTakenEverythingIsAccepted() async throws {
        try await SendingWorld.run(looks: 0) { world in
            _ = try await world.start(try await world.export())
            try await world.pool.withConnection {
                try $0.script("insert into month_close (month, state, version) values ('2026-10-01', 'exported', 1)")
            }
            try await world.sender().run()
            let state = try await world.pool.transaction { try MonthClose.state(of: SendingWorld.month, on: $0) }
            #expect(state == .accepted)
            let step = try await world.count(
                "select count(*) as n from month_transition where to_state = 'accepted' and actor = 'system:operator'")
            #expect(step == 1)
            #expect(
                try await world.count("select count(*) as n from audit_entry where action = 'month.accepted'") == 1)
            try await world.sender().run()
            #expect(
                try await world.count("select count(*) as n from audit_entry where action = 'month.accepted'") == 1)
        }
    }

    @Test func aMonthThatWasCorrectedMeanwhileIsNotAcceptedForItsOldExport() async throws {
        try await SendingWorld.run(looks: 0) { world in
            _ = try await world.start(try await world.export())
            try await world.pool.withConnection {
                try $0.script("insert into month_close (month, state, version) values ('2026-10-01', 'frozen', 2)")
            }
            try await world.sender().run()
            let state = try await world.pool.transaction { try MonthClose.state(of: SendingWorld.month, on: $0) }
            #expect(state == .frozen)
        }
    }

    @Test func theLevyIsAskedForUntilItLocksTheAct() async throws {
        try await SendingWorld.run(looks: 0) { world in
            _ = try await world.start(try await world.export())
            try await world.pool.withConnection {
                try $0.script(
                    """
                    insert into month_version (month, version, kind, frozen_at, actor, time_zone, cut_charge_id, cut_at,
                        ledger_micros, shows) values ('2026-10-01', 1, 'freeze', '2026-11-04', 't', 'Europe/Moscow', 0,
                        '2026-11-04', 0, 0);
                    insert into month_act (month, version, act, contract, contract_id, serial, act_date, ledger_micros,
                        rounding_micros, excluding_kopecks, vat_rate, vat_kopecks, body)
                    values ('2026-10-01', 1, 'act-c1-2026-10', 'ctr-c1', 1, 'A-1', '2026-10-31', 0, 0, 0, '22', 0, '{}');
                    """)
            }
            func levy() async throws -> [String] {
                try await world.pool.withConnection { db in
                    try db.query("select status from act_levy").map { try $0.string("status") }
                }
            }
            try await world.sender().run()
            #expect(try await levy().isEmpty)
            world.clock.advance(.hours(25))
            try await world.sender().run()
            #expect(try await levy() == ["no_tax"])
            await world.book.block(act: "act-c1-2026-10")
            world.clock.advance(.hours(25))
            try await world.sender().run()
            #expect(try await levy() == ["blocked"])
            let asked = await world.book.log.count { $0 == "GET /v4/invoice/act-c1-2026-10" }
            world.clock.advance(.hours(240))
            try await world.sender().run()
            #expect(await world.book.log.count { $0 == "GET /v4/invoice/act-c1-2026-10" } == asked)
            #expect(try await world.count("select count(*) as n from audit_entry where action = 'act.levy_set'") == 2)
        }
    }

    @Test func theContractOfAnAgencysAdvertiserGoesBeforeTheCreativeThatNamesIt() async throws {
        let cid = "6a1f0c3e-9b7d-4c55-8e21-0f3a5b7c9d10"
        try await RegistrationWorld.run { world in
            try await world.pool.withConnection {
                try $0.script(
                    """
                    update counterparty set roles = '{advertiser,agency}' where code = 'brand';
                    insert into agency_cid (cid, advertiser_id, agency_counterparty_id, name, client_inn, actor, recorded_at)
                        values ('\(cid)', 1, 2, 'ООО Норд', '7707083893', 't', '2026-11-01');
                    insert into contract_cid (contract_id, advertiser_id, agency_cid_id) values (1, 1, 1);
                    """)
            }
            try await world.registrar.run()
            #expect(try await world.creative("one").erid == StubBook.erid(of: "cr-one-v1"))
            let writes = await world.book.log.filter { $0.hasPrefix("PUT") }
            let first = writes.firstIndex(of: "PUT /v1/cid/\(cid)")
            let creative = writes.firstIndex(of: "PUT /v3/creative/cr-one-v1")
            #expect(first != nil && creative != nil && (first ?? 9) < (creative ?? 0), "\(writes)")
        }
    }

    @Test func anOlderFormOfAnObjectIsNotTakenForTheNewOne() async throws {
        try await RegistrationWorld.run(timeout: .milliseconds(700)) { world in
            try await world.registrar.run()
            #expect(await world.book.writes("/v1/person/org-brand") == 1)
            // The name is put right, another version is approved, and the write of the person gets lost on its way.
            try await world.pool.withConnection {
                try $0.script(
                    """
                    update counterparty set name = 'ООО Норд-Запад' where code = 'brand';
                    insert into creative_version (creative_id, version, fields, landing_url, media_sha256, ord_form,
                        approved_at) values (1, 2, '{"alt": "Чай"}', 'https://shop.example/one', array[sha256('a')],
                        'banner', '2026-11-02Z');
                    """)
            }
            await world.book.plan(.hang, on: "PUT /v1/person/org-brand")
            for _ in 0..<4 {
                world.clock.advance(.minutes(30))
                try await world.registrar.run()
            }
            #expect(try await world.creative("one").erid == StubBook.erid(of: "cr-one-v2"))
            let person = String(decoding: await world.book.body("person", "org-brand") ?? [], as: UTF8.self)
            #expect(person.contains("Норд-Запад"), "\(person)")
        }
    }
}
