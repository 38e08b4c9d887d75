import AdModel
import Glibc
import Simulator

/// Tells how the made-up past goes: on a terminal one line that changes, elsewhere a line every few days.
struct HistoryProgress {
    private let opening: Timestamp
    private let end: Timestamp
    private let isTerminal = isatty(2) == 1
    private let started = ContinuousClock.now
    private var toldDay = -1

    init(from opening: Timestamp, to end: Timestamp) {
        self.opening = opening
        self.end = end
    }

    var seconds: Double {
        let spent = (ContinuousClock.now - started).components
        return Double(spent.seconds) + Double(spent.attoseconds) * 1e-18
    }

    mutating func show(_ now: Timestamp, _ truth: Truth, spent: Micros) {
        let day = Int((now - opening).micros / 86_400_000_000)
        guard day != toldDay else { return }
        toldDay = day
        let days = Int(((end - opening).micros + 86_399_999_999) / 86_400_000_000)
        let text =
            "nimb dev: history, day \(min(day + 1, days)) of \(days): \(truth.pageViews) page views, "
            + "\(truth.orders) orders, \(spent.value / 1_000_000) RUB spent, "
            + "\(Self.oneDigit(Double(day) / max(0.001, seconds))) days/s"
        if isTerminal {
            write("\r\u{1B}[K" + text)
        } else if day % 5 == 0 {
            write(text + "\n")
        }
    }

    func finish() { if isTerminal { write("\r\u{1B}[K") } }

    static func oneDigit(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }

    static func twoDigits(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        return "\(hundredths / 100).\(hundredths % 100 / 10)\(hundredths % 10)"
    }

    private func write(_ text: String) {
        var text = text
        text.withUTF8 { _ = Glibc.write(2, $0.baseAddress, $0.count) }
    }
}
