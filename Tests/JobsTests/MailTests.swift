import AdModel
import Foundation
import Jobs
import Logging
import Postgres
import Store
import Synchronization
import Telemetry
import TestKit
import Testing

private let start = Timestamp(rfc3339: "2026-11-21T10:00:00Z") ?? Timestamp(micros: 0)

private func message(_ subject: String = "Hello", to address: String = "a@people.test") -> QueuedMail {
    QueuedMail(id: 7, kind: "test", to: address, subject: subject, body: "one\ntwo", attempt: 1, createdAt: start)
}

@Suite struct MailCommandTests {
    private func script(_ text: String) throws -> (folder: URL, program: String) {
        let folder = try Repository.temporaryFolder("mail")
        let file = folder.appendingPathComponent("send")
        try Data("#!/bin/sh\n\(text)\n".utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: file.path)
        return (folder, file.path)
    }

    @Test func theProgramGetsItsArgumentsAsTheyAreAndTheMessageOnItsInput() async throws {
        let (folder, program) = try script("printf '%s\\n' \"$@\" > \"$1/arguments\"; cat > \"$1/message\"")
        defer { try? FileManager.default.removeItem(at: folder) }
        let nasty = "$(touch \(folder.path)/evil); `id`"
        let command = try #require(MailCommand(arguments: [program, folder.path, nasty], sender: "nimb@shop.test"))
        try await command.send(message("$(touch \(folder.path)/evil)"))
        let arguments = try String(contentsOf: folder.appendingPathComponent("arguments"), encoding: .utf8)
        #expect(arguments == "\(folder.path)\n\(nasty)\n")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/evil"))
        let text = try String(contentsOf: folder.appendingPathComponent("message"), encoding: .utf8)
        #expect(text.hasPrefix("From: nimb@shop.test\r\nTo: a@people.test\r\n"))
        #expect(text.contains(Data("one\r\ntwo".utf8).base64EncodedString()))
    }

    @Test func aProgramThatDoesNotReadIsNoProblem() async throws {
        let command = try #require(MailCommand(arguments: ["/bin/true"], sender: "nimb@shop.test"))
        try await command.send(message(String(repeating: "x", count: 200)))
    }

    @Test func aProgramThatFailsSaysHow() async throws {
        let command = try #require(MailCommand(arguments: ["/bin/false"], sender: "nimb@shop.test"))
        let error = await #expect(throws: MailError.self) { try await command.send(message()) }
        #expect(error?.code == "exit_status")
        #expect(error?.reason.contains("people.test") == false)
        let absent = try #require(MailCommand(arguments: ["/nowhere/sendmail"], sender: "nimb@shop.test"))
        let other = await #expect(throws: MailError.self) { try await absent.send(message()) }
        #expect(other?.code == "cannot_start")
    }

    @Test func aProgramThatHangsIsEnded() async throws {
        let (folder, program) = try script("trap '' TERM; echo $$ > \"$1/pid\"; while :; do /bin/sleep 1; done")
        defer { try? FileManager.default.removeItem(at: folder) }
        let command = try #require(
            MailCommand(
                arguments: [program, folder.path], sender: "nimb@shop.test", timeout: .milliseconds(300)))
        let error = await #expect(throws: MailError.self) { try await command.send(message()) }
        #expect(error?.code == "timeout")
        let text = try String(contentsOf: folder.appendingPathComponent("pid"), encoding: .utf8)
        let pid = try #require(Int32(text.filter(\.isNumber)))
        try await eventually("the end of the program") { kill(pid, 0) != 0 }
    }

    @Test func onlyAnAbsolutePathIsAProgram() {
        #expect(MailCommand(arguments: ["sendmail"], sender: "n@s.test") == nil)
        #expect(MailCommand(arguments: [], sender: "n@s.test") == nil)
    }

    @Test(arguments: [
        "Hello\r\nBcc: evil@people.test", "Привет\nX: y", String(repeating: "длинная тема ", count: 18),
    ])
    func aSubjectCannotAddHeaders(subject: String) throws {
        let text = MailText.render(message(subject), from: "nimb@shop.test")
        let head = try #require(text.components(separatedBy: "\r\n\r\n").first)
        for line in head.components(separatedBy: "\r\n") {
            #expect(line.utf8.count <= 998)
            #expect(line.hasPrefix(" =?utf-8?B?") || line.contains(": "))
            #expect(!line.hasPrefix("Bcc") && !line.hasPrefix("X:"))
        }
    }
}

@Suite(.database) struct MailJobTests {
    private final class Outcome: MailTransport {
        let fails: Bool
        let sent = Mutex<[QueuedMail]>([])
        init(fails: Bool) { self.fails = fails }
        func send(_ mail: QueuedMail) async throws {
            sent.withLock { $0.append(mail) }
            if fails { throw MailError(code: "exit_status", reason: "the mail command ended with status 75") }
        }
    }

    private var pool: PostgresPool { TestDatabase.current.pool }

    private func job(_ transport: any MailTransport) -> MailJob {
        MailJob(
            pool: pool, transport: transport, metrics: MetricsRegistry(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    private func enqueue(_ subject: String) async throws {
        try await pool.transaction { db in
            try MailOutbox.enqueue(
                to: "a@people.test", subject: subject, body: "link", kind: "identity.reset", at: start, on: db)
        }
    }

    private func row() async throws -> (state: String, body: String?, attempts: Int32, error: String?) {
        try await pool.withConnection { db in
            let row = try db.query("select state, body, attempts, last_error from mail_outbox").single()
            return (
                try row.string("state"), try row.stringIfPresent("body"), try row.int32("attempts"),
                try row.stringIfPresent("last_error")
            )
        }
    }

    @Test func aSentMessageIsWiped() async throws {
        try await enqueue("S")
        let transport = Outcome(fails: false)
        try await job(transport).run(start)
        try await job(transport).run(start + .days(1))
        #expect(transport.sent.withLock { $0.map(\.body) } == ["link"])
        let row = try await row()
        #expect(row.state == "sent")
        #expect(row.body == nil)
    }

    @Test func aFailedMessageIsTriedAgainLaterAndLaterAndThenGivenUp() async throws {
        try await enqueue("S")
        let transport = Outcome(fails: true)
        let job = job(transport)
        var now = start
        for attempt in 1...MailQueue.attemptLimit {
            try await job.run(now)
            try await job.run(now + MailQueue.wait(after: attempt) - .seconds(1))
            #expect(transport.sent.withLock { $0.count } == attempt)
            now = now + MailQueue.wait(after: attempt)
        }
        try await job.run(now + .days(10))
        #expect(transport.sent.withLock { $0.count } == MailQueue.attemptLimit)
        let row = try await row()
        #expect(row.state == "dead")
        #expect(row.body == nil)
        #expect(row.error == "the mail command ended with status 75")
    }

    @Test func aSenderThatDiesLeavesTheMessageWaiting() async throws {
        try await enqueue("S")
        _ = try await pool.transaction { try MailQueue.take(now: start, on: $0) }
        let transport = Outcome(fails: false)
        try await job(transport).run(start)
        #expect(transport.sent.withLock { $0.isEmpty })
        try await job(transport).run(start + MailQueue.firstWait)
        #expect(transport.sent.withLock { $0.map(\.attempt) } == [2])
    }

    @Test func twoSendersDoNotTakeOneMessage() async throws {
        for n in 0..<20 { try await enqueue("\(n)") }
        let transport = Outcome(fails: false)
        let job = job(transport)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 { group.addTask { try await job.run(start) } }
            try await group.waitForAll()
        }
        #expect(transport.sent.withLock { Set($0.map(\.subject)).count } == 20)
        #expect(transport.sent.withLock { $0.count } == 20)
    }

    @Test func inDevelopmentTheMessageIsShown() async throws {
        try await enqueue("S")
        let keeper = Shown()
        try await job(MailPrinter { keeper.add($0) }).run(start)
        #expect(keeper.all == ["--- mail to a@people.test: S\nlink\n---"])
    }

    private final class Shown: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }
}
