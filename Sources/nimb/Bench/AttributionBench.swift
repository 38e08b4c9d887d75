import AdModel
import Attribution
import Foundation
import Glibc

/// G6: `nimb attribute` as a whole process beside a yardstick of the same run. G6c: orders decided one by one.
struct AttributionBench {
    var data: AttributionData
    /// Folder of the data's files.
    var folder: String
    /// A shell command with `{csv}` for the folder and `{out}` for its output; nil = reading the files only.
    var yardstick: String?
    var rounds: Int

    private var readsOnly: Bool { yardstick == nil }

    func run() throws {
        if !FileManager.default.fileExists(atPath: "\(folder)/grants.csv") {
            print("writing \(data.touches) touches and \(data.lines) lines to \(folder)")
            try data.write(to: folder)
        }
        // Once before the rotation: the files come into the page cache, and no other child has a peak to mix it with.
        _ = try attribute()
        let peak = childrenPeakBytes()
        let touchCount = max(1, csvTouches())
        print("peak memory \(peak >> 20) MB: \(peak / touchCount) bytes a touch, all files of the run included")
        let name = readsOnly ? "read and count line ends" : "yardstick"
        let summary = try Rotation(
            rounds: rounds,
            contestants: [
                .init(name: "nimb attribute") { try attribute() },
                .init(name: name) { try runYardstick() },
            ]
        ).run()
        let ratio = summary.ratio(name, to: "nimb attribute")
        print("nimb attribute, 2 threads     \(format(summary.median("nimb attribute"))) s")
        print("\(name)     \(format(summary.median(name))) s, \(format(ratio.median)) x")
        if !readsOnly { print("same output: \(try sameOutput())") }
        // Without DuckDB the ratio says how far from reading alone the run is; G6's floor and aim do not apply.
        print(
            BenchGoalLine(
                goal: readsOnly ? "G6-read" : "G6", value: ratio.median, floor: readsOnly ? nil : 2,
                aim: readsOnly ? nil : 5, least: ratio.least, greatest: ratio.greatest, rounds: rounds,
                yardstick: readsOnly ? "read" : "given", isValid: Bystanders.hadRoom
            ).json)
        try incremental()
    }

    /// Greatest memory of any process that this one has waited for.
    private func childrenPeakBytes() -> Int {
        var usage = rusage()
        return getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage) == 0 ? usage.ru_maxrss << 10 : 0
    }

    /// Lines of the touches' file below its header.
    private func csvTouches() -> Int {
        ((try? InputFile("\(folder)/touches.csv"))?.lineNumber(at: .max) ?? 2) - 2
    }

    private func attribute() throws -> Double {
        var arguments = [
            "attribute", "--policy", "default@1", "--threads", "2", "--quiet", "--out", "\(folder)/credits.csv",
        ]
        for table in ["touches", "lines", "products", "campaigns", "grants"] {
            arguments += ["--\(table)", "\(folder)/\(table).csv"]
        }
        return try time(URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath(), arguments)
    }

    private func runYardstick() throws -> Double {
        guard let yardstick else { return try readFiles() }
        let command = yardstick.replacingOccurrences(of: "{csv}", with: folder)
            .replacingOccurrences(of: "{out}", with: "\(folder)/yardstick.csv")
        return try time(URL(fileURLWithPath: "/bin/sh"), ["-c", command])
    }

    private func time(_ executable: URL, _ arguments: [String]) throws -> Double {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        let start = ContinuousClock.now
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Refusal("\(arguments[0]) ended with an error") }
        return seconds(since: start)
    }

    private func readFiles() throws -> Double {
        let start = ContinuousClock.now
        var lines = 0
        for table in ["touches", "lines", "products", "campaigns", "grants"] {
            let bytes = try InputFile("\(folder)/\(table).csv").bytes()
            lines += bytes.lineNumber(at: Int.max)
        }
        guard lines > 0 else { throw Refusal("the files of \(folder) are empty") }
        return seconds(since: start)
    }

    private func sameOutput() throws -> Bool {
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/credits.csv"))
            == Data(contentsOf: URL(fileURLWithPath: "\(folder)/yardstick.csv"))
    }

    // MARK: One order at a time

    /// Orders with all touches of their shoppers, as the pipeline meets them.
    private func incremental() throws {
        var small = data
        small.touches = 500_000
        small.lines = 50_000
        small.shoppers = 30_000
        let rows = small.rows()
        let reference = try AttributionReference(
            products: rows.brandOfSKU.enumerated().map {
                ProductRow(sku: id("p", $0.offset), brandID: id("b", $0.element))
            },
            campaigns: (0..<small.brands * 8).map {
                CampaignVersionRow(campaignID: id("c", $0), advertiserID: id("a", $0 / 8), brandIDs: [id("b", $0 / 8)])
            },
            grants: (0..<small.brands).map { BrandGrantRow(advertiserID: id("a", $0), brandID: id("b", $0)) })
        let inputs = self.inputs(rows)
        var figures: [Double] = []
        var credits = 0
        for _ in 0..<rounds {
            let start = cpuSeconds()
            credits = 0
            for input in inputs {
                credits += try AttributionEngine.decide(input, reference: reference, policy: .default)
                    .reduce(0) { $0 + $1.credits.count }
            }
            figures.append(Double(rows.lines.count) / (cpuSeconds() - start))
        }
        let median = Rotation.Summary.median(figures)
        let candidates = inputs.reduce(0) { $0 + $1.touches.count } / max(1, inputs.count)
        print(
            "one order at a time: \(Int(median)) lines/s on one core, \(candidates) touches an order, \(credits) credits"
        )
        print(
            BenchGoalLine(
                goal: "G6c-lines", value: median, floor: 50_000, aim: 200_000, least: figures.min() ?? 0,
                greatest: figures.max() ?? 0, rounds: rounds, yardstick: "none", isValid: Bystanders.hadRoom
            ).json)
    }

    private func inputs(_ rows: AttributionData.Rows) -> [AttributionInput] {
        var byShopper: [Int32: [TouchRow]] = [:]
        for (i, t) in rows.touches.enumerated() {
            byShopper[t.shopper, default: []].append(
                TouchRow(
                    touchID: id("t", 1_000_000_000 + i), shopperID: id("s", t.shopper), occurredAt: at(t.second),
                    kind: t.isClick ? .click : .view, advertiserID: id("a", rows.brandOfSKU[Int(t.sku)]),
                    campaignID: id("c", t.campaign), lineItemID: id("l", t.campaign), promotedSKUs: [id("p", t.sku)]))
        }
        var result: [AttributionInput] = []
        var at = 0
        while at < rows.lines.count {
            let first = rows.lines[at]
            var lines: [OrderLineRow] = []
            while at < rows.lines.count, rows.lines[at].order == first.order {
                let l = rows.lines[at]
                lines.append(
                    OrderLineRow(
                        orderID: id("o", l.order), lineNumber: Int64(at), shopperID: id("s", l.shopper),
                        orderedAt: self.at(l.second), channel: .online, sku: id("p", l.sku), units: Int64(l.units),
                        netAmountMicros: l.amountMicros))
                at += 1
            }
            // What the pipeline's query returns: the shopper's touches of the last 14 days.
            let orderedAt = self.at(first.second)
            let touches = (byShopper[first.shopper] ?? []).filter {
                $0.occurredAt <= orderedAt && orderedAt - $0.occurredAt <= .days(14)
            }
            result.append(AttributionInput(lines: lines, touches: touches))
        }
        return result
    }

    private func id(_ prefix: String, _ number: some BinaryInteger) -> AttributionID {
        AttributionID("\(prefix)\(number)")
    }

    private func at(_ second: Int32) -> Timestamp {
        Timestamp(micros: AttributionData.start + Int64(second) * 1_000_000)
    }

    /// Processor time of this thread: other load then takes no part of it.
    private func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private func seconds(since start: ContinuousClock.Instant) -> Double {
        let elapsed = start.duration(to: .now)
        return Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    }

    private func format(_ value: Double) -> String { String(format: "%.2f", value) }
}
