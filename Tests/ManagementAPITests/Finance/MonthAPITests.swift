import AdModel
import Foundation
import Logging
import ManagementAPI
import ORD
import Postgres
import Store
import TestKit
import Testing

/// A month that is over, closed over HTTP: each route, each refusal of it, and what is left in the audit log.
@Suite("A month closed over HTTP", .database) struct MonthAPITests {
    static let now = Timestamp(rfc3339: "2026-11-21T10:00:00Z") ?? Timestamp(micros: 0)
    private static let october = "/v1/finance/months/2026-10"

    private func serving(_ body: (HTTPProbe) async throws -> Void) async throws {
        try await TestDatabase.current.pool.withConnection {
            try $0.script(SoldMonth.sql(month: "2026-10", erids: ("2VtzqTop001", "2VtzqOwn0001")))
        }
        let csv = Repository.root.appendingPathComponent("Sources/nimb/Data/kktu.csv")
        let kktu = try KKTUDictionary(csv: [UInt8](Data(contentsOf: csv)))
        try await HTTPProbe.with(
            { announce in
                var services = ManagementServices(
                    database: PostgresOptions(url: TestDatabase.current.url), clock: { Self.now })
                services.kktu = kktu
                try await ManagementServer(
                    options: ListenerOptions(port: 0), services: services, metrics: { "" },
                    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), onRunning: announce
                ).run()
            }, body)
    }

    private func post(
        _ probe: HTTPProbe, _ path: String, _ body: String = "{}", as key: String = "nk_finance"
    ) async throws -> HTTPProbe.Answer { try await probe.wallet("POST", Self.october + path, body, key: key) }

    private func close(_ probe: HTTPProbe) async throws {
        for step in ["/freeze", "/reconcile", "/issue-acts"] {
            let done = try await post(probe, step)
            #expect(done.status == 200, "\(step): \(done.text)")
        }
    }

    private func actions() async throws -> [String] {
        try await TestDatabase.current.pool.withConnection { db in
            try db.query("select action from audit_entry order by id").map { try $0.string("action") }
        }
    }

    @Test func everyStepIsRefusedBeforeItsTimeAndTakenOnce() async throws {
        try await serving { probe in
            for step in ["/reconcile", "/issue-acts", "/accept", "/exports", "/pushes"] {
                #expect(try await post(probe, step).status == 409, "\(step)")
            }
            #expect(try await post(probe, "/return", #"{"reason":"x"}"#).status == 409)
            #expect(try await post(probe, "/correct", #"{"reason":"x"}"#).status == 409)
            for step in ["/freeze", "/reconcile", "/issue-acts", "/accept", "/exports", "/pushes"] {
                #expect(try await post(probe, step, as: "nk_analyst").status == 403, "\(step)")
                #expect(try await post(probe, step, as: "nk_cafe").status == 403, "\(step)")
                #expect(try await post(probe, step, #"{"x":1}"#).status == 422, "\(step)")
            }
            let early = try await probe.wallet("POST", "/v1/finance/months/2026-11/freeze", "{}", key: "nk_finance")
            #expect(early.status == 409 && early.text.contains("month_not_over"), "\(early.text)")
            try await close(probe)
            let twice = try await post(probe, "/freeze")
            #expect(twice.status == 409 && twice.text.contains("frozen already"))
            #expect(try await post(probe, "/accept").status == 409)
            let exported = try await post(probe, "/exports")
            #expect(exported.status == 201, "\(exported.text)")
            let same = try await post(probe, "/exports")
            // The same bytes are the same export.
            #expect(same.status == 201 && same["id"] == exported["id"])
            #expect(try await post(probe, "/accept").status == 200)
            let returned = try await post(probe, "/return", #"{"reason":"the operator wants another date"}"#)
            #expect(returned.status == 200 && returned["state"] == "frozen", "\(returned.text)")
            #expect(try await post(probe, "/return", #"{"reason":""}"#).status == 422)
            let actions = try await actions()
            for action in [
                "month.frozen", "month.reconciled", "month.acts_issued", "month.exported", "month.accepted",
                "month.returned",
            ] { #expect(actions.contains(action), "\(actions)") }
        }
    }

    @Test func ledgerRowsStatisticsActAndPapersAgree() async throws {
        try await serving { probe in
            try await close(probe)
            let month = try await probe.read(Self.october, key: "nk_analyst")
            let totals = try #require(month.json["totals"] as? [String: Any])
            #expect(totals["ledger_micros"] as? Int64 == SoldMonth.ledgerMicros)
            #expect(totals["acts_excluding_vat"] as? String == "29.00")
            #expect(totals["rounding_micros"] as? Int64 == 29_000_000 - SoldMonth.ledgerMicros)
            #expect(totals["statistics_excluding_vat"] as? String == "29.00000")
            let rows = try await probe.read(Self.october + "/statistics", key: "nk_finance").walletItems
            #expect(rows.count == 2)
            #expect(rows.compactMap { $0["shows"] as? Int64 }.reduce(0, +) == 320)
            let charges = try await probe.read(
                Self.october + "/statistics/cr-top-v1__pad-web/charges?limit=500", key: "nk_finance")
            #expect(
                charges.walletItems.compactMap { $0["amount_micros"] as? Int64 }.reduce(0, +) == SoldMonth.ledgerMicros)
            #expect(try await probe.read(Self.october + "/statistics/cr-none/charges", key: "nk_finance").status == 404)
            let acts = try await probe.read("/v1/finance/acts?month=2026-10", key: "nk_cafe").walletItems
            #expect(acts.map { "\($0["id"] ?? "")" } == ["act-c1-2026-10"])
            #expect(try await probe.read("/v1/finance/acts", key: "nk_rival").walletItems.isEmpty)
            let act = "/v1/finance/acts/act-c1-2026-10"
            #expect(try await probe.read(act, key: "nk_rival").status == 404)
            #expect(try await probe.read(act + "/document", key: "nk_rival").status == 404)
            let paper = try await probe.read(act + "/document", key: "nk_cafe")
            for word in ["АКТ-2026/0001", "29,00", "121151, Москва", "Лавкина О. П.", "2VtzqTop001"] {
                #expect(paper.text.contains(word), "\(word)")
            }
            let behind = try await probe.read(act + "/charges?limit=500", key: "nk_cafe").walletItems
            #expect(behind.compactMap { $0["amount_micros"] as? Int64 }.reduce(0, +) == 29_000_000)
        }
    }

    @Test func whatAPaperSaysIsFrozenWithTheMonth() async throws {
        try await serving { probe in
            try await close(probe)
            try await TestDatabase.current.pool.withConnection {
                try $0.script("update counterparty set signatory_name = 'Другая О. П.' where code = 'shop'")
            }
            let paper = try await probe.read("/v1/finance/acts/act-c1-2026-10/document", key: "nk_cafe")
            #expect(paper.text.contains("Лавкина О. П.") && !paper.text.contains("Другая"))
        }
    }

    @Test func everyFileOfAMonthIsGivenAndTheGateHolds() async throws {
        try await serving { probe in
            for format in ["csv", "xlsx", "reconciliation-html", "reconciliation-csv", "acts-html", "1c", "1c-1251"] {
                let file = try await probe.read(Self.october + "/files/\(format)", key: "nk_analyst")
                #expect(file.status == 200, "\(format): \(file.text.prefix(300))")
            }
            #expect(try await probe.read(Self.october + "/files/word", key: "nk_finance").status == 404)
            #expect(try await probe.read(Self.october + "/files/csv?version=3", key: "nk_finance").status == 404)
            #expect(try await post(probe, "/freeze").status == 200)
            let early = try await probe.read(Self.october + "/files/vk", key: "nk_finance")
            #expect(early.status == 409, "\(early.text)")
            #expect(try await post(probe, "/reconcile").status == 200)
            #expect(try await post(probe, "/issue-acts").status == 200)
            for format in ["vk", "mediascout", "ozon"] {
                let file = try await probe.read(Self.october + "/files/\(format)", key: "nk_finance")
                #expect(file.status == 200, "\(format): \(file.text)")
            }
        }
    }

    @Test func aWarningNeedsAReasonAndAnErrorIsToldInBothLanguages() async throws {
        try await serving { probe in
            try await TestDatabase.current.pool.withConnection {
                try $0.script(
                    """
                    update counterparty set name = 'ООО О''Кей' where code = 'cafe';
                    insert into contract (code, advertiser_id, client_counterparty_id, contractor_counterparty_id, serial,
                        signed_on) values ('c9', 1, 2, 1, 'PM-15/26', '2020-01-15');
                    """)
            }
            let month = try await probe.read(Self.october, key: "nk_finance")
            let findings = try #require(month.json["findings"] as? [[String: Any]])
            let name = try #require(findings.first { $0["code"] as? String == "name_charset" })
            let words = try #require(name["words"] as? [String: [String: String]])
            #expect(words["ru"]?["what"] == "В наименовании знаки, которые не принимает оператор")
            #expect(words["en"]?["what"] == "The name holds characters that the operator refuses")
            #expect(name["blocks"] as? Bool == true)
            let warning = try #require(findings.first { $0["code"] as? String == "serial_duplicate" })
            #expect(warning["severity"] as? String == "warning" && warning["blocks"] as? Bool == true)
            let object = "\(warning["object"] ?? "")"
            func override(_ code: String, _ object: String, _ field: String, _ reason: String) async throws -> Int {
                try await post(
                    probe, "/overrides",
                    #"{"code":"\#(code)","object":"\#(object)","field":"\#(field)","reason":"\#(reason)"}"#
                ).status
            }
            #expect(try await override("serial_duplicate", object, "serial", "two real contracts") == 200)
            #expect(try await override("serial_duplicate", "contract ctr-none", "serial", "x") == 422)
            #expect(try await override("name_charset", "person org-cafe", "name", "x") == 422)
            #expect(try await post(probe, "/freeze").status == 200)
            let refused = try await post(probe, "/reconcile")
            #expect(refused.status == 409 && refused.text.contains("name_charset"), "\(refused.text)")
            #expect(!refused.text.contains("serial_duplicate"), "\(refused.text)")
            #expect(try await actions().contains("month.warning_overridden"))
        }
    }

    @Test func theLevyLocksAnActForGood() async throws {
        try await serving { probe in
            try await close(probe)
            let path = "/v1/finance/acts/act-c1-2026-10/levy-status"
            func put(_ status: String, as key: String = "nk_finance") async throws -> HTTPProbe.Answer {
                try await probe.wallet("PUT", path, #"{"status":"\#(status)"}"#, key: key)
            }
            #expect(try await put("paid").status == 422)
            #expect(try await put("blocked", as: "nk_analyst").status == 403)
            #expect(try await put("calculated")["levy_status"] == "calculated")
            #expect(try await put("blocked")["levy_status"] == "blocked")
            #expect(try await put("no_tax").status == 409)
            try await TestDatabase.current.pool.withConnection {
                try $0.script("update contract set serial = 'РМ-99/26', serial_folded = null where code = 'c1'")
            }
            let levy = try await probe.read("/v1/finance/levy", key: "nk_finance")
            #expect(levy.text.contains(#""quarter":"2026-Q4","base":"29.00","levy":"0.87""#), "\(levy.text)")
        }
    }

    @Test func aCorrectionIsANewVersionWithItsDifference() async throws {
        try await serving { probe in
            try await close(probe)
            #expect(try await probe.read(Self.october + "/diff", key: "nk_finance").status == 404)
            let charge = try await probe.read("/v1/finance/acts/act-c1-2026-10/charges?limit=1", key: "nk_finance")
            let id = "\(charge.walletItems.first?["id"] ?? "")"
            try await TestDatabase.current.pool.transaction { db in
                _ = try ChargeRefund.book(
                    charge: Int64(id) ?? 0, amount: Micros(99_990), reference: "r-1", reason: "broken", advertiser: 1,
                    zone: RetailerStore.zone(on: db), now: Self.now, on: db)
            }
            let pending = try await probe.read(Self.october, key: "nk_finance")
            #expect((pending.json["pending"] as? [String: Any])?["rows"] as? Int == 1)
            let corrected = try await post(probe, "/correct", #"{"reason":"a broken banner"}"#)
            #expect(corrected.status == 200 && corrected["version"] == "2", "\(corrected.text)")
            let diff = try await probe.read(Self.october + "/diff", key: "nk_analyst")
            #expect(diff["reason"] == "a broken banner")
            #expect((diff.json["rows"] as? [Any])?.count == 1 && (diff.json["acts"] as? [Any])?.count == 1)
            #expect(try await actions().contains("month.corrected"))
        }
    }

    @Test func theButtonExportsAndQueuesAndMayBeTakenBack() async throws {
        try await serving { probe in
            try await close(probe)
            let pushed = try await post(probe, "/pushes")
            #expect(pushed.status == 201 && pushed["state"] == "sending", "\(pushed.text)")
            let id = pushed["id"]
            #expect(try await post(probe, "/pushes").status == 409)
            let objects = try await probe.read("/v1/finance/pushes/\(id)/objects?state=queued", key: "nk_analyst")
            #expect(objects.walletItems.contains { $0["id"] as? String == "act-c1-2026-10" })
            let path = "/v1/finance/pushes/\(id)"
            #expect(try await probe.wallet("POST", path + "/retry", "{}", key: "nk_finance").status == 409)
            #expect(try await probe.wallet("POST", path + "/cancel", "{}", key: "nk_analyst").status == 403)
            #expect(try await probe.wallet("POST", path + "/cancel", "{}", key: "nk_finance")["state"] == "cancelled")
            #expect(try await probe.wallet("POST", path + "/cancel", "{}", key: "nk_finance").status == 409)
            #expect(try await post(probe, "/pushes", #"{"export":"exp-none"}"#).status == 422)
            #expect(try await post(probe, "/pushes", #"{"export":"\#(pushed["export"])"}"#).status == 201)
            let actions = try await actions()
            #expect(actions.contains("push.started") && actions.contains("push.cancelled"))
        }
    }

    @Test func nodesDatesAndUnknownMonths() async throws {
        try await serving { probe in
            #expect(try await post(probe, "/node-losses", #"{"node":"n9","reason":"burnt"}"#).status == 422)
            #expect(try await post(probe, "/act-dates", #"{"contract":"c1","date":"2026-10-15"}"#).status == 422)
            #expect(try await post(probe, "/act-dates", #"{"contract":"none","date":"2026-11-15"}"#).status == 422)
            #expect(try await post(probe, "/act-dates", #"{"contract":"c1","date":"2026-11-15"}"#).status == 200)
            for month in ["1999-01", "2026-13", "soon"] {
                #expect(
                    try await probe.read("/v1/finance/months/\(month)", key: "nk_finance").status == 404, "\(month)")
            }
            #expect(try await post(probe, "/freeze").status == 200)
            let act = try await probe.read("/v1/finance/acts/act-c1-2026-10", key: "nk_finance")
            #expect(act["date"] == "2026-11-15")
            #expect(try await post(probe, "/act-dates", #"{"contract":"c1","date":"2026-11-16"}"#).status == 409)
        }
    }

    @Test func theDictionaryIsRefreshedWithoutLosingACode() async throws {
        try await serving { probe in
            let csv = Repository.root.appendingPathComponent("Sources/nimb/Data/kktu.csv")
            let known = try KKTUDictionary(csv: [UInt8](Data(contentsOf: csv))).entries
            func refresh(_ entries: [(String, String)], dry: Bool = false, as key: String = "nk_finance") async throws
                -> HTTPProbe.Answer
            {
                let items = entries.map { ["code": $0.0, "name": $0.1] }
                let body = try JSONSerialization.data(withJSONObject: ["items": items])
                return try await probe.wallet(
                    "POST", "/v1/finance/kktu/refresh\(dry ? "?dry_run=true" : "")",
                    String(decoding: body, as: UTF8.self), key: key)
            }
            let all = known.map { ($0.code, $0.name) }
            let same = try await refresh(all)
            #expect(same.status == 200 && same.text.contains(#""added":[]"#), "\(same.text.prefix(300))")
            // One code gone, one renamed, one new.
            var changed = all.filter { $0.0 != "17.3.1" }.map { ($0.0, $0.0 == "4.1.1" ? "МЫЛО ДЛЯ ПОСУДЫ" : $0.1) }
            changed.append(("17.3.99", "КОФЕ БЕЗ КОФЕ"))
            let trial = try await refresh(changed, dry: true)
            #expect(trial.text.contains(#""vanished":["17.3.1"]"#), "\(trial.text)")
            #expect(try await probe.read("/v1/kktu/17.3.99", key: "nk_finance").status == 404)
            #expect(try await refresh(changed, as: "nk_adops").status == 403)
            #expect(try await refresh(changed).status == 200)
            #expect(try await probe.read("/v1/kktu/17.3.99", key: "nk_finance").status == 200)
            // Kept, because acts of closed months name it.
            #expect(try await probe.read("/v1/kktu/17.3.1", key: "nk_finance").status == 200)
            #expect(try await post(probe, "/freeze").status == 200)
            let reconciled = try await post(probe, "/reconcile")
            #expect(reconciled.status == 200, "\(reconciled.text)")
            let back = try await refresh(changed + [("17.3.1", "КОФЕ")])
            #expect(back.text.contains(#""returned":["17.3.1"]"#), "\(back.text)")
            #expect(try await refresh(Array(all.prefix(100))).status == 422)
            #expect(try await refresh(all + [("17.3.1", "КОФЕ")]).status == 422)
            #expect(try await refresh(all + [("99.1.1", "НИЧЬЁ")]).status == 422)
            #expect(try await actions().filter { $0 == "kktu.refreshed" }.count == 2)
        }
    }
}
