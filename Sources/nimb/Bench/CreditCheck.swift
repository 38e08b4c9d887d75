import Foundation

/// The check row of a credits file, as the yardstick prints its own: credited lines, then direct click, direct view,
/// halo click, halo view, and the sum in micro-roubles.
struct CreditCheck {
    let row: String

    init(_ csv: [UInt8]) throws {
        var lines = csv.split(separator: 0x0A).makeIterator()
        let header = lines.next().map { $0.split(separator: 0x2C).map { String(decoding: $0, as: UTF8.self) } } ?? []
        guard let level = header.firstIndex(of: "level"), let kind = header.firstIndex(of: "interaction"),
            let amount = header.firstIndex(of: "amount_micros")
        else { throw Refusal("the credits have no columns level, interaction and amount_micros") }
        var counts = [String: Int]()
        var total: Int64 = 0
        var rows = 0
        while let line = lines.next() {
            let cells = line.split(separator: 0x2C, omittingEmptySubsequences: false)
            let name =
                String(decoding: cells[level], as: UTF8.self) + " " + String(decoding: cells[kind], as: UTF8.self)
            counts[name, default: 0] += 1
            total += Int64(String(decoding: cells[amount], as: UTF8.self)) ?? 0
            rows += 1
        }
        let parts = ["sku click", "sku view", "brand click", "brand view"].map { counts[$0] ?? 0 }
        row = "(" + ([rows] + parts).map(String.init).joined(separator: ", ") + ", \(total))"
    }
}
