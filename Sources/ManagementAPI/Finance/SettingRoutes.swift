import AdModel
import ORD
import Postgres
import Store

/// What finance enters beside the ledger: reports of agents, and the day on which months are sent by themselves.
enum SettingRoutes {
    private static let reports = "/v1/finance/months/{month}/agent-reports"
    private static let schedule = "/v1/finance/push-schedule"
    private static let switches = "/v1/finance/operators/{operator}/switches"

    static func add(to table: inout RouteTable) {
        addSwitches(to: &table)
        table.get(reports, .finance, FinanceCalls.readers) { call in
            try call.requireNoQuery()
            return try await call.read { db in
                let month = try FinanceCalls.month(call, on: db)
                let found = try MonthSettings.agentReports(of: month, on: db)
                return .json { json in
                    json.member("items", array: found) { json, report in json.object { render(&$0, report) } }
                }
            }
        }
        table.post(reports, .finance, .treasurers, setReport)
        table.get(schedule, .finance, FinanceCalls.readers) { call in
            try call.requireNoQuery()
            return try await call.read { db in answer(try MonthPush.day(on: db)) }
        }
        table.put(schedule, .finance, .treasurers) { call in
            try call.requireNoQuery()
            let body = try await call.body()
            let isGiven = body.has("day")
            let day = body.intIfPresent("day", MonthPush.days).map { Int($0) }
            if !isGiven { body.problem("day", "Required; null = months are sent by hand.", code: "required") }
            try body.finish()
            return try await call.write { db, change in
                let before = try MonthPush.day(on: db)
                guard before != day else {
                    change.nothingChanged()
                    return answer(day)
                }
                try MonthPush.setDay(day, on: db)
                change.audit(
                    "push_schedule.updated", object: "push_schedule", id: "push_schedule",
                    before: JSONText.object { $0.member("day", before.map(Int64.init)) },
                    after: JSONText.object { $0.member("day", day.map(Int64.init)) })
                return answer(day)
            }
        }
    }

    private static func addSwitches(to table: inout RouteTable) {
        table.get(switches, .finance, FinanceCalls.readers) { call in
            try call.requireNoQuery()
            return try await call.read { db in
                guard OperatorSwitches.known[call.path("operator")] != nil else { throw Refusal.notFound }
                return answer(call.path("operator"), try OperatorSettings.switches(on: db))
            }
        }
        table.put(switches, .finance, .treasurers) { call in
            try call.requireNoQuery()
            let body = try await call.body()
            let format = call.path("operator")
            guard let known = OperatorSwitches.known[format] else { throw Refusal.notFound }
            var given: [String: String] = [:]
            for item in known { given[item.name] = body.textIfPresent(item.name) }
            try body.finish()
            let values = given
            return try await call.write { db, change in
                let before = try OperatorSettings.switches(on: db)
                guard before.values(of: format) != values else {
                    change.nothingChanged()
                    return answer(format, before)
                }
                try OperatorSettings.set(
                    values, of: format, by: MonthActor(name: call.actor.name, at: call.now), on: db)
                let after = try OperatorSettings.switches(on: db)
                change.audit(
                    "operator_switches.updated", object: "operator", id: format,
                    before: JSONText.object { render(&$0, format, before) },
                    after: JSONText.object { render(&$0, format, after) })
                return answer(format, after)
            }
        }
    }

    private static func answer(_ format: String, _ switches: OperatorSwitches) -> Answer {
        .json { render(&$0, format, switches) }
    }

    private static func render(_ json: inout JSONText, _ format: String, _ switches: OperatorSwitches) {
        json.member("items", array: OperatorSwitches.known[format] ?? []) { json, known in
            json.object {
                $0.member("name", known.name)
                $0.member("value", switches.values(of: format)[known.name])
                $0.member("meaning", known.meaning)
            }
        }
    }

    /// What an agent acting for the retailer sold in a month, and what he keeps of it.
    @Sendable private static func setReport(_ call: Call) async throws -> Answer {
        try call.requireNoQuery()
        let body = try await call.body()
        func kopecks(_ key: String) -> KopeckAmount {
            let micros = body.micros(key) ?? 0
            if micros % 10_000 != 0 {
                body.problem(key, "Whole kopecks only: a multiple of 10000.", code: "out_of_range")
            }
            return KopeckAmount(kopecks: micros / 10_000)
        }
        let report = MonthStatement.AgentReport(
            contractID: body.text("contract", limit: 80) ?? "", sales: kopecks("sales_micros"),
            commission: kopecks("commission_micros"), serial: body.text("serial") ?? "",
            date: body.day("date") ?? Day(number: 0))
        try body.finish()
        return try await call.write { db, change in
            let month = try FinanceCalls.month(call, on: db)
            let before = try MonthSettings.agentReports(of: month, on: db)
                .first { $0.contractID == report.contractID }
            try MonthSettings.setAgentReport(
                report, month: month, by: MonthActor(name: call.actor.name, at: call.now), on: db)
            change.audit(
                "month.agent_reported", object: "month", id: month.description,
                before: before.map { report in JSONText.object { render(&$0, report) } },
                after: JSONText.object { render(&$0, report) })
            return .json { render(&$0, report) }
        }
    }

    private static func answer(_ day: Int?) -> Answer { .json { $0.member("day", day.map(Int64.init)) } }

    private static func render(_ json: inout JSONText, _ report: MonthStatement.AgentReport) {
        json.member("contract", report.contractID)
        json.member("sales_micros", report.sales.micros.value)
        json.member("commission_micros", report.commission.micros.value)
        json.member("serial", report.serial)
        json.member("date", report.date.description)
    }
}
