import Synchronization

/// All metrics of a process by name and labels. Ask for a metric once, keep it, and use it without the registry's lock.
///
/// Names follow Prometheus: `nimb_<what>_<unit>`, counters end in `_total`. Label values are closed word lists;
/// a registry refuses to grow past `seriesLimit` and hands out a metric that is not rendered instead.
public final class MetricsRegistry: Sendable {
    /// Most series of one registry, all names together.
    public static let seriesLimit = 4_096

    public typealias Labels = [(name: String, value: String)]

    private enum Metric {
        case counter(Counter)
        case gauge(Gauge)
        case duration(DurationHistogram)
    }

    private struct Family {
        var help: String
        var type: String
        var series: [String: Metric] = [:]
    }

    private struct State {
        var families: [String: Family] = [:]
        var count = 0
    }

    private let state = Mutex(State())

    public init() {}

    /// The counter of that name and these labels, made when new.
    public func counter(_ name: String, _ help: String, _ labels: Labels = []) -> Counter {
        let found = metric(name, help, "counter", labels) { .counter(Counter()) }
        if case .counter(let counter) = found { return counter }
        return Counter()
    }

    /// The gauge of that name and these labels, made when new.
    public func gauge(_ name: String, _ help: String, _ labels: Labels = []) -> Gauge {
        let found = metric(name, help, "gauge", labels) { .gauge(Gauge()) }
        if case .gauge(let gauge) = found { return gauge }
        return Gauge()
    }

    /// The histogram of that name and these labels, made when new. The name ends in `_seconds`.
    public func duration(_ name: String, _ help: String, _ labels: Labels = []) -> DurationHistogram {
        let found = metric(name, help, "histogram", labels) { .duration(DurationHistogram()) }
        if case .duration(let histogram) = found { return histogram }
        return DurationHistogram()
    }

    /// The Prometheus text format 0.0.4, families and series in a stable order.
    public func render() -> String {
        state.withLock { state in
            var text = ""
            for name in state.families.keys.sorted() {
                guard let family = state.families[name] else { continue }
                text += "# HELP \(name) \(Self.escaped(family.help, quotes: false))\n# TYPE \(name) \(family.type)\n"
                for (labels, metric) in family.series.sorted(by: { $0.key < $1.key }) {
                    switch metric {
                    case .counter(let counter): text += "\(name)\(Self.braced(labels)) \(counter.value)\n"
                    case .gauge(let gauge): text += "\(name)\(Self.braced(labels)) \(gauge.value)\n"
                    case .duration(let histogram): text += Self.rendered(name, labels, histogram)
                    }
                }
            }
            return text
        }
    }

    private func metric(
        _ name: String, _ help: String, _ type: String, _ labels: Labels, _ make: () -> Metric
    ) -> Metric {
        let key = labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }.joined(separator: ",")
        return state.withLock { state in
            if let found = state.families[name]?.series[key] { return found }
            let made = make()
            guard state.count < Self.seriesLimit else { return made }
            state.count += 1
            state.families[name, default: Family(help: help, type: type)].series[key] = made
            return made
        }
    }

    private static func braced(_ labels: String) -> String { labels.isEmpty ? "" : "{\(labels)}" }

    private static func rendered(_ name: String, _ labels: String, _ histogram: DurationHistogram) -> String {
        let (cumulative, sum) = histogram.snapshot
        let separator = labels.isEmpty ? "" : ","
        var text = ""
        for (index, count) in cumulative.enumerated() {
            let bound = index < DurationHistogram.bounds.count ? seconds(DurationHistogram.bounds[index]) : "+Inf"
            text += "\(name)_bucket{\(labels)\(separator)le=\"\(bound)\"} \(count)\n"
        }
        text += "\(name)_sum\(braced(labels)) \(seconds(sum))\n"
        text += "\(name)_count\(braced(labels)) \(cumulative.last ?? 0)\n"
        return text
    }

    /// Microseconds as decimal seconds, without trailing zeros.
    private static func seconds(_ micros: Int64) -> String {
        let fraction = String(micros % 1_000_000)
        var text = "\(micros / 1_000_000)." + String(repeating: "0", count: 6 - fraction.count) + fraction
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.append(character)
            }
        }
        return result
    }
}
