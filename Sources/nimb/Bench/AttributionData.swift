import Foundation
import Glibc

/// A synthetic retailer for the attribution benchmark, the same for the same seed: brands and SKUs of Zipf-like
/// sizes, shoppers of log-normal activity with five favourite brands, 8 % clicks, 2.5 lines an order.
struct AttributionData {
    var touches = 5_000_000
    var lines = 500_000
    var shoppers = 300_000
    var skus = 20_000
    var brands = 500
    var days = 30
    var seed: UInt64 = 7

    static let start: Int64 = 1_740_787_200_000_000

    /// What decides whether files of an earlier run can be used again.
    var name: String { "t\(touches)-l\(lines)-s\(shoppers)-p\(skus)-b\(brands)-d\(days)-seed\(seed)" }

    struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }

        /// 0 ..< 1.
        mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }
        mutating func below(_ n: Int) -> Int { Int(unit() * Double(n)) }
        mutating func normal() -> Double { (-2 * log(1 - unit())).squareRoot() * cos(2 * .pi * unit()) }
    }

    struct Touch {
        var shopper: Int32
        var second: Int32
        var sku: Int32
        var campaign: Int32
        var isClick: Bool
    }
    struct Line {
        var order: Int32
        var shopper: Int32
        var second: Int32
        var sku: Int32
        var units: Int32
        var amountMicros: Int64
    }
    struct Rows {
        var brandOfSKU: [Int32]
        var touches: [Touch]
        var lines: [Line]
    }

    /// Everything in memory: about 24 bytes a touch and 32 a line.
    func rows() -> Rows {
        var r = Random(state: seed)
        let weights = (0..<brands).map { 1 / pow(Double($0) + 10, 0.8) }
        let total = weights.reduce(0, +)
        var sizes = weights.map { max(1, Int($0 / total * Double(skus))) }
        sizes[0] += skus - sizes.reduce(0, +)
        var starts: [Int] = []
        var brandOfSKU: [Int32] = []
        for (brand, size) in sizes.enumerated() {
            starts.append(brandOfSKU.count)
            brandOfSKU += repeatElement(Int32(brand), count: size)
        }
        let brandPick = Picker(weights)
        let skuPick = Picker((0..<skus).shuffled(using: &r).map { 1 / pow(Double($0) + 20, 0.7) })
        let shopperPick = Picker((0..<shoppers).map { _ in exp(r.normal()) })
        let favourites = (0..<shoppers * 5).map { _ in Int32(brandPick.pick(&r)) }
        func skuOf(_ brand: Int32, _ r: inout Random) -> Int32 {
            let u = r.unit()
            return Int32(starts[Int(brand)] + Int(u * u * Double(sizes[Int(brand)])))
        }
        func favouriteSKU(_ shopper: Int, _ r: inout Random) -> Int32 {
            skuOf(favourites[shopper * 5 + r.below(5)], &r)
        }
        let seconds = days * 86_400
        var times = (0..<touches).map { _ in Int32(r.below(seconds)) }
        times.sort()
        var touchRows: [Touch] = []
        touchRows.reserveCapacity(touches)
        var lastSKU = [Int32](repeating: -1, count: shoppers)
        for second in times {
            let shopper = shopperPick.pick(&r)
            let sku = r.unit() < 0.7 ? favouriteSKU(shopper, &r) : Int32(skuPick.pick(&r))
            // Every touch has the same chance to be the one that the shopper remembers.
            if lastSKU[shopper] < 0 || r.unit() < 0.3 { lastSKU[shopper] = sku }
            touchRows.append(
                Touch(
                    shopper: Int32(shopper), second: second, sku: sku,
                    campaign: brandOfSKU[Int(sku)] * 8 + Int32(r.below(8)), isClick: r.unit() < 0.08))
        }
        let prices = (0..<skus).map { _ in Int64(exp(7 + 0.8 * r.normal()).rounded()) * 10_000 }
        let orderCount = max(1, Int(Double(lines) / 2.5))
        var orderTimes = (0..<orderCount).map { _ in Int32(r.below(seconds)) }
        orderTimes.sort()
        var lineRows: [Line] = []
        lineRows.reserveCapacity(lines)
        for (order, second) in orderTimes.enumerated() where lineRows.count < lines {
            let shopper = shopperPick.pick(&r)
            repeat {
                let kind = r.unit()
                let sku: Int32
                if kind < 0.35, lastSKU[shopper] >= 0 {
                    sku = lastSKU[shopper]
                } else {
                    sku = kind < 0.7 ? favouriteSKU(shopper, &r) : Int32(skuPick.pick(&r))
                }
                let units: Int32 = r.unit() < 0.74 ? 1 : 2
                lineRows.append(
                    Line(
                        order: Int32(order), shopper: Int32(shopper), second: second, sku: sku, units: units,
                        amountMicros: Int64(units) * prices[Int(sku)]))
            } while r.unit() < 0.6
        }
        return Rows(brandOfSKU: brandOfSKU, touches: touchRows, lines: lineRows)
    }

    /// Draws indices by weight.
    private struct Picker {
        var cumulated: [Double]

        init(_ weights: [Double]) {
            var sum = 0.0
            cumulated = weights.map {
                sum += $0
                return sum
            }
        }

        func pick(_ r: inout Random) -> Int {
            let u = r.unit() * (cumulated.last ?? 0)
            var low = 0
            var high = cumulated.count - 1
            while low < high {
                let middle = (low + high) / 2
                if cumulated[middle] < u { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    /// Writes the files of `nimb attribute` into the folder.
    func write(to folder: String) throws {
        let rows = rows()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try write(
            "touches", folder,
            [
                "touch_id", "shopper_id", "occurred_at", "kind", "advertiser_id", "campaign_id", "line_item_id",
                "promoted_skus",
            ]
        ) { out in
            for (i, t) in rows.touches.enumerated() {
                let digits = String(i)
                out.text("t" + String(repeating: "0", count: 10 - digits.count) + digits)
                out.cell("s", t.shopper)
                out.cell("", Self.start + Int64(t.second) * 1_000_000)
                out.text(t.isClick ? ",click" : ",view")
                out.cell("a", rows.brandOfSKU[Int(t.sku)])
                out.cell("c", t.campaign)
                out.cell("l", t.campaign)
                out.cell("p", t.sku)
                out.end()
            }
        }
        try write(
            "lines", folder,
            [
                "order_id", "line_no", "shopper_id", "ordered_at", "channel", "sku", "units", "net_amount_micros",
            ]
        ) { out in
            for (i, l) in rows.lines.enumerated() {
                out.text("o\(l.order)")
                out.cell("", i)
                out.cell("s", l.shopper)
                out.cell("", Self.start + Int64(l.second) * 1_000_000)
                out.text(",online")
                out.cell("p", l.sku)
                out.cell("", l.units)
                out.cell("", l.amountMicros)
                out.end()
            }
        }
        try write("products", folder, ["sku", "group_id", "brand_id", "category_id"]) { out in
            for (sku, brand) in rows.brandOfSKU.enumerated() { out.text("p\(sku),,b\(brand),\n") }
        }
        try write(
            "campaigns", folder,
            [
                "campaign_id", "advertiser_id", "brand_ids", "listed_skus", "listed_categories", "valid_from",
                "valid_to",
            ]
        ) { out in
            for campaign in 0..<brands * 8 { out.text("c\(campaign),a\(campaign / 8),b\(campaign / 8),,,,\n") }
        }
        try write("grants", folder, ["advertiser_id", "brand_id", "valid_from", "valid_to"]) { out in
            for brand in 0..<brands { out.text("a\(brand),b\(brand),,\n") }
        }
    }

    /// Appends text to a file in large pieces.
    private struct Writer {
        let file: UnsafeMutablePointer<FILE>

        func text(_ text: String) { fputs(text, file) }
        func cell(_ prefix: String, _ number: some BinaryInteger) { fputs(",\(prefix)\(number)", file) }
        func end() { fputc(0x0A, file) }
    }

    private func write(_ name: String, _ folder: String, _ columns: [String], _ body: (Writer) -> Void) throws {
        guard let file = fopen("\(folder)/\(name).csv.part", "w") else { throw Refusal("cannot write to \(folder)") }
        setvbuf(file, nil, Int32(_IOFBF), 1 << 20)
        let writer = Writer(file: file)
        writer.text(columns.joined(separator: ",") + "\n")
        body(writer)
        guard fclose(file) == 0, rename("\(folder)/\(name).csv.part", "\(folder)/\(name).csv") == 0 else {
            throw Refusal("cannot write to \(folder)")
        }
    }
}
