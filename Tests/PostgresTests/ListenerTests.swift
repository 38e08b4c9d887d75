import Postgres
import TestKit
import Testing

@Suite("listening", .emptyDatabase)
struct ListenerTests {
    @Test func notificationsArriveAndTheListenerComesBack() async throws {
        let pool = TestDatabase.current.pool
        var options = pool.options
        options.applicationName = "listener"
        let listener = PostgresListener(options, channels: ["control", "Odd\"Name"], retryPause: .milliseconds(10))
        var events = listener.events.makeAsyncIterator()
        #expect(await events.next() == .connected)
        try await pool.withConnection { connection in
            try connection.query("select pg_notify('control', '41')")
            try connection.query("select pg_notify('elsewhere', 'x')")
            try connection.query("select pg_notify('Odd\"Name', 'привет')")
        }
        #expect(await events.next() == .notification(channel: "control", payload: "41"))
        #expect(await events.next() == .notification(channel: "Odd\"Name", payload: "привет"))
        let ended = try await pool.withConnection { connection in
            try connection.query(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'listener'"
            ).count
        }
        #expect(ended == 1)
        #expect(await events.next() == .reconnected)
        try await pool.withConnection { try $0.script("notify control, '42'") }
        #expect(await events.next() == .notification(channel: "control", payload: "42"))
        listener.stop()
        #expect(await events.next() == nil)
    }
}
