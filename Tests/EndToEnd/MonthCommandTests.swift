import AdModel
import Foundation
import Logging
import ORD
import ORDGateway
import Postgres
import Store
import TestKit
import Testing

/// A month closed, exported, sent, corrected and sent again by the commands alone, each a process of its own, against
/// the operator's stand-in.
@Suite("nimb ord", .database)
struct MonthCommandTests {
    /// The month before the one that was running 96 hours ago: it may be frozen whatever today is.
    private static let month: AccountingMonth = {
        let day = Timestamp(micros: Int64(Date().timeIntervalSince1970 * 1_000_000) - 96 * 3_600_000_000).utcDay
        guard let month = AccountingMonth(containing: day + -day.civil.day) else {
            preconditionFailure("every day has a month")
        }
        return month
    }()

    private struct Desk {
        var folder: URL
        var environment: [String: String]
        var operatorURL: String

        func run(_ arguments: [String], _ extra: [String: String] = [:]) async throws -> (code: Int32, text: String) {
            let process = try ChildProcess.nimb(
                arguments, environment: environment.merging(extra) { _, new in new }, workingDirectory: folder)
            let code = try await process.exit()
            return (code, process.output.joined(separator: "\n"))
        }

        func ord(_ arguments: String...) async throws -> (code: Int32, text: String) {
            try await run(["ord"] + arguments)
        }

        /// Sends the month to the stand-in.
        func push() async throws -> (code: Int32, text: String) {
            try await run(
                [
                    "ord", "push", "--month", "\(month)", "--ord-url", operatorURL, "--outbound-allow", "127.0.0.1",
                ], ["NIMB_ORD_TOKEN": "right"])
        }

        func file(_ name: String) throws -> Data { try Data(contentsOf: folder.appendingPathComponent(name)) }
    }

    private func atTheDesk(_ body: (Desk, StubBook) async throws -> Void) async throws {
        let erids = (StubBook.erid(of: "cr-top-v1"), StubBook.erid(of: "cr-own-v1"))
        try await TestDatabase.current.pool.withConnection {
            try $0.script(SoldMonth.sql(month: "\(Self.month)", erids: erids))
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nimb-ord-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var environment = ProcessInfo.processInfo.environment
        environment["NIMB_DATABASE_URL"] = TestDatabase.current.url
        let book = StubBook(looksBeforeVerified: 0)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let stub = OperatorStub(token: "right", book: book, logger: logger) { continuation.yield($0) }
        let serving = Task { try await stub.run() }
        var iterator = ports.makeAsyncIterator()
        let port = await iterator.next() ?? 0
        let desk = Desk(folder: folder, environment: environment, operatorURL: "http://127.0.0.1:\(port)")
        do { try await body(desk, book) } catch {
            serving.cancel()
            _ = await serving.result
            throw error
        }
        serving.cancel()
        _ = await serving.result
    }

    @Test func aMonthIsClosedExportedSentAndAccepted() async throws {
        let month = "\(Self.month)"
        try await atTheDesk { desk, book in
            let open = try await desk.ord("status", "--month", month)
            #expect(open.code == 0 && open.text.contains("\(month) is open"), "\(open.text)")
            #expect(open.text.contains("the gate finds nothing that blocks"), "\(open.text)")
            let early = try await desk.push()
            #expect(early.code != 0 && early.text.contains("is open"), "\(early.text)")

            let closed = try await desk.ord("close", "--month", month)
            #expect(closed.code == 0, "\(closed.text)")
            for step in ["open -> frozen", "frozen -> reconciled", "reconciled -> acts_issued"] {
                #expect(closed.text.contains(step), "\(closed.text)")
            }
            let again = try await desk.ord("close", "--month", month)
            #expect(again.code == 0 && again.text.contains("is acts_issued"), "\(again.text)")

            let refused = try await sentWithAFault(desk, book)
            #expect(refused.code == 1 && refused.text.contains("name: a firm of that name"), "\(refused.text)")
            let sent = try await desk.push()
            #expect(sent.code == 0, "\(sent.text)")
            let status = try await desk.ord("status", "--month", month)
            #expect(status.text.contains("is accepted"), "\(status.text)")
            let unchanged = await book.log.count
            #expect(try await desk.push().code == 0)
            // What the operator has is not sent twice.
            #expect(await book.log.count == unchanged)

            let list = try await desk.ord("status")
            #expect(list.code == 0 && list.text.contains("\(month)  accepted"), "\(list.text)")
            let actions = try await TestDatabase.current.pool.withConnection { db in
                try db.query("select actor || ' ' || action as line from audit_entry order by id").map {
                    try $0.string("line")
                }
            }
            for line in [
                "system:console month.frozen", "system:console month.reconciled", "system:console month.acts_issued",
                "system:console push.started", "system:operator month.accepted",
            ] { #expect(actions.contains(line), "\(actions)") }
        }
    }

    private func sentWithAFault(_ desk: Desk, _ book: StubBook) async throws -> (code: Int32, text: String) {
        await book.plan(
            .refuse(code: "common_validation_error", field: "name", message: "a firm of that name is not known"),
            on: "PUT /v1/person/org-cafe")
        return try await desk.push()
    }

    @Test func everyFormatIsWrittenTwiceTheSameAndTheGateHolds() async throws {
        let month = "\(Self.month)"
        try await atTheDesk { desk, _ in
            #expect(try await desk.ord("close", "--month", month).code == 0)
            for format in [
                "vk", "mediascout", "ozon", "csv", "reconciliation-html", "reconciliation-csv", "acts-html", "1c",
                "1c-1251",
            ] {
                for name in ["a", "b"] {
                    let made = try await desk.ord("export", "--month", month, "--format", format, "--out", name)
                    #expect(made.code == 0, "\(format): \(made.text)")
                }
                #expect(try desk.file("a") == desk.file("b"), "\(format) is not repeatable")
                #expect(try !desk.file("a").isEmpty)
            }
            let status = try await desk.ord("status", "--month", month)
            #expect(status.text.contains("is exported"), "\(status.text)")
            let act = String(
                decoding: try {
                    _ = try desk.file("a"); return try desk.file("b")
                }(), as: UTF8.self)
            #expect(!act.isEmpty)
            let switched = try await desk.ord(
                "export", "--month", month, "--switch", "per_mille=true", "--out", "switched.zip")
            #expect(switched.code == 0, "\(switched.text)")
            for wrong in [
                ["--switch", "per_mille=perhaps"], ["--switch", "colour=red"], ["--format", "word"], ["--month", "x"],
            ] {
                let answer = try await desk.run(["ord", "export", "--month", month] + wrong)
                #expect(answer.code != 0 && !answer.text.contains("Fatal"), "\(wrong): \(answer.text)")
            }
        }
    }

    @Test func whatIsMissingIsNamedAndNothingIsWritten() async throws {
        let month = "\(Self.month)"
        try await atTheDesk { desk, _ in
            try await TestDatabase.current.pool.withConnection {
                try $0.script("update counterparty set name = 'ООО О''Кей' where code = 'cafe'")
            }
            let closed = try await desk.ord("close", "--month", month)
            #expect(closed.code == 1 && closed.text.contains("name_charset"), "\(closed.text)")
            let status = try await desk.ord("status", "--month", month)
            #expect(status.code == 1 && status.text.contains("org-cafe"), "\(status.text)")
            let export = try await desk.ord("export", "--month", month, "--out", "none.zip")
            #expect(export.code == 1, "\(export.text)")
            #expect(!FileManager.default.fileExists(atPath: desk.folder.appendingPathComponent("none.zip").path))
            let future = try await desk.ord("close", "--month", "2999-01")
            #expect(future.code == 1 && future.text.contains("72 hours after its end"), "\(future.text)")
        }
    }

    @Test func aCorrectionShowsItsRowsAndSupersedesWhatWasSent() async throws {
        let month = "\(Self.month)"
        try await atTheDesk { desk, book in
            #expect(try await desk.ord("close", "--month", month).code == 0)
            #expect(try await desk.push().code == 0)
            let nothing = try await desk.ord("diff", "--month", month)
            #expect(nothing.code != 0 && nothing.text.contains("no version"), "\(nothing.text)")
            let now = Timestamp(micros: Int64(Date().timeIntervalSince1970 * 1_000_000))
            try await TestDatabase.current.pool.transaction { db in
                let charge = try db.query("select min(id) as id from charge where amount_micros > 0").single().int64(
                    "id")
                let booked = try ChargeRefund.book(
                    charge: charge, amount: Micros(99_990), reference: "refund-1", reason: "shown broken",
                    advertiser: 1,
                    zone: RetailerStore.zone(on: db), now: now, on: db)
                #expect(booked.posting == .correction)
                try MonthClose.correct(
                    Self.month, reason: "a refund", by: MonthActor(name: "user:finance", at: now), on: db)
            }
            let diff = try await desk.ord("diff", "--month", month)
            #expect(diff.code == 0 && diff.text.contains("because: a refund"), "\(diff.text)")
            #expect(diff.text.contains("1 rows and 1 acts differ"), "\(diff.text)")
            #expect(try await desk.ord("close", "--month", month).code == 0)
            let sent = try await desk.push()
            #expect(sent.code == 0, "\(sent.text)")
            let act = String(decoding: await book.body("invoice", "act-c1-\(month)") ?? [], as: UTF8.self)
            // 289 charges of 0.09999.
            #expect(act.contains(#""excluding_vat":"28.90""#), "\(act)")
            let doctor = try await desk.run(["doctor", "ledger"])
            #expect(doctor.code == 0, "\(doctor.text)")
        }
    }

    @Test func aDictionaryIsTakenOverWithoutLosingACode() async throws {
        try await atTheDesk { desk, _ in
            let source = Checkout.root.appendingPathComponent("Sources/nimb/Data/kktu.csv")
            let lines = try String(contentsOf: source, encoding: .utf8).split(whereSeparator: \.isNewline)
                .map(String.init)
            let shorter = lines.filter { !$0.hasPrefix("17.3.1,") }.joined(separator: "\n")
            try Data(shorter.utf8).write(to: desk.folder.appendingPathComponent("kktu.csv"))
            let trial = try await desk.ord("kktu", "refresh", "kktu.csv", "--dry-run")
            #expect(trial.code == 0 && trial.text.contains("1 changes would be made"), "\(trial.text)")
            let taken = try await desk.ord("kktu", "refresh", "kktu.csv")
            #expect(taken.code == 0 && taken.text.contains("- 17.3.1 (kept, marked)"), "\(taken.text)")
            let again = try await desk.ord("kktu", "refresh", "kktu.csv")
            #expect(again.code == 0 && again.text.contains("0 changes"), "\(again.text)")
            // The month of a code that vanished closes all the same.
            #expect(try await desk.ord("close", "--month", "\(Self.month)").code == 0)
            try Data(lines.prefix(50).joined(separator: "\n").utf8).write(
                to: desk.folder.appendingPathComponent("torn.csv"))
            let torn = try await desk.ord("kktu", "refresh", "torn.csv")
            #expect(torn.code != 0 && torn.text.contains("not a dictionary"), "\(torn.text)")
            #expect(try await desk.ord("kktu", "refresh", "nowhere.csv").code != 0)
        }
    }
}
