import AdModel
import Reporting
import Store

/// `GET /v1/reports/metrics`: what the numbers of reports mean, and in which calendar they are counted.
enum MetricRoutes {
    static func add(to table: inout RouteTable) {
        table.get("/v1/reports/metrics", .reports, .everyone) { call in
            try call.requireNoQuery()
            let (zone, today) = try await call.read { db in
                (try PerformanceStore.accountingZone(on: db), try PerformanceStore.today(at: call.now, on: db))
            }
            return .json { json in
                json.member("accounting_zone", zone)
                json.member("today", today.description)
                json.member("metrics", array: MetricRegistry.all) { json, definition in
                    json.object { json in
                        json.member("name", PerformanceCSV.column(of: definition.metric))
                        json.member("unit", definition.unit.rawValue)
                        json.member("title") { words(&$0, definition.title) }
                        json.member("definition") { words(&$0, definition.definition) }
                    }
                }
            }
        }
    }

    private static func words(_ json: inout JSONText, _ text: Bilingual) {
        json.member("ru", text.ru)
        json.member("en", text.en)
    }
}
