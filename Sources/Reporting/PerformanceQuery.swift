import AdModel

/// A bad report parameter: which, why, and a stable code.
public struct ReportQueryError: Error, Equatable, Sendable {
    /// `invalid_parameter`, `unknown_parameter`, `range_too_long`, `unsupported_policy`.
    public var code: String
    /// The parameter that is wrong.
    public var field: String
    /// What is wrong and what is accepted.
    public var detail: String

    public init(code: String, field: String, detail: String) {
        self.code = code
        self.field = field
        self.detail = detail
    }

    /// Asking again the same way gives the same answer.
    public var isRetryable: Bool { false }
}

/// A checked question for the performance report.
public struct PerformanceQuery: Equatable, Sendable {
    /// Longest range of one report, days.
    public static let maximumDays = 400
    /// Length of the range when `from` is not given, days.
    public static let defaultDays = 30
    /// Rows on a page unless asked otherwise, and at most.
    public static let defaultLimit = 1_000
    public static let maximumLimit = 5_000
    /// Bytes of any one parameter.
    public static let parameterBytes = 256
    /// The policy of a report that does not name one.
    public static let defaultPolicy = "default@1"
    /// Policies side by side, at most.
    public static let policyLimit = 8

    /// First and last accounting day, both included.
    public var from: Day
    public var to: Day
    /// In the fixed order day, campaign, line_item, policy, channel, interaction.
    public var dimensions: [ReportDimension]
    public var campaignCode: String?
    /// The policies whose credits are shown, at least one; several are rows of their own and never added.
    public var policies: [String]
    /// `online` or `offline`: only credits of such orders; nil = of both. Delivery and spend are not affected.
    public var channel: String?
    public var salesBy: SalesDate
    public var csv: Bool
    public var limit: Int
    /// Rows to skip.
    public var offset: Int

    public init(
        from: Day, to: Day, dimensions: [ReportDimension], campaignCode: String? = nil,
        policies: [String] = [PerformanceQuery.defaultPolicy], channel: String? = nil,
        salesBy: SalesDate = .orderDate, csv: Bool = false, limit: Int = PerformanceQuery.defaultLimit, offset: Int = 0
    ) {
        self.from = from
        self.to = to
        self.dimensions = dimensions
        self.campaignCode = campaignCode
        self.policies = policies
        self.channel = channel
        self.salesBy = salesBy
        self.csv = csv
        self.limit = limit
        self.offset = offset
    }

    /// Checks the decoded query parameters of a request. Unknown and repeated parameters are refused, so that a
    /// misspelt filter cannot silently widen a report.
    ///
    /// - Parameters:
    ///   - today: the accounting day of now, for a range that is not given: it ends today and is `defaultDays` long.
    ///   - policies: what there is, and the ones of which a report by policy shows all.
    public static func parse(
        _ parameters: [(name: String, value: String)], today: Day, policies: [String]
    ) throws(ReportQueryError) -> PerformanceQuery {
        var given: [String: String] = [:]
        let known = [
            "from", "to", "by", "campaign", "policy", "channel", "sales_by", "format", "limit", "cursor",
        ]
        for (name, value) in parameters {
            guard known.contains(name) else {
                throw ReportQueryError(
                    code: "unknown_parameter", field: String(name.prefix(64)),
                    detail: "Known parameters: \(known.joined(separator: ", ")).")
            }
            guard given.updateValue(value, forKey: name) == nil else {
                throw invalid(name, "Given twice; give it once.")
            }
            guard value.utf8.count <= parameterBytes else {
                throw invalid(name, "Longer than \(parameterBytes) bytes.")
            }
        }
        let to = try day("to", given) ?? today
        let from = try day("from", given) ?? to + (1 - defaultDays)
        guard from <= to else { throw invalid("to", "Lies before `from`.") }
        guard to - from < maximumDays else {
            throw ReportQueryError(
                code: "range_too_long", field: "to", detail: "At most \(maximumDays) days in one report.")
        }
        var query = PerformanceQuery(from: from, to: to, dimensions: try dimensions(given["by"]))
        if let code = given["campaign"] {
            guard !code.isEmpty else { throw invalid("campaign", "Empty; leave it out for all campaigns.") }
            query.campaignCode = code
        }
        try query.choosePolicies(given["policy"], among: policies)
        if let channel = given["channel"] {
            guard channel == "online" || channel == "offline" else {
                throw invalid("channel", "Either online or offline; leave it out for both.")
            }
            query.channel = channel
        }
        if let date = given["sales_by"] {
            guard let salesBy = SalesDate(rawValue: date) else {
                throw invalid("sales_by", "Either order_date or touch_date.")
            }
            query.salesBy = salesBy
        }
        if let format = given["format"] {
            guard format == "json" || format == "csv" else { throw invalid("format", "Either json or csv.") }
            query.csv = format == "csv"
        }
        if let limit = given["limit"] {
            guard let number = Int(limit), (1...maximumLimit).contains(number) else {
                throw invalid("limit", "A whole number from 1 to \(maximumLimit).")
            }
            query.limit = number
        }
        if let cursor = given["cursor"] {
            guard let offset = query.offset(ofCursor: cursor) else {
                throw invalid("cursor", "Not a cursor of this report; take `next_cursor` of its previous page.")
            }
            query.offset = offset
        }
        return query
    }

    /// `a@1,b@2` are two policies side by side; grouping by policy without naming any shows all there are.
    private mutating func choosePolicies(_ text: String?, among known: [String]) throws(ReportQueryError) {
        guard let text else {
            if dimensions.contains(.policy), !known.isEmpty { policies = Array(known.prefix(Self.policyLimit)) }
            return
        }
        let named = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        for (index, policy) in named.enumerated() {
            guard known.contains(policy) else {
                throw ReportQueryError(
                    code: "unsupported_policy", field: "policy", detail: "One of \(known.joined(separator: ", ")).")
            }
            guard !named[..<index].contains(policy) else { throw Self.invalid("policy", "A policy is named twice.") }
        }
        guard named.count <= Self.policyLimit else {
            throw Self.invalid("policy", "At most \(Self.policyLimit) policies side by side.")
        }
        policies = named
        // Side by side, never added.
        if named.count > 1, !dimensions.contains(.policy) {
            let asked = Set(dimensions + [.policy])
            dimensions = ReportDimension.allCases.filter(asked.contains)
        }
    }

    /// The cursor of the page that begins at a row. It names the question, so that a cursor cannot be used with
    /// another one.
    public func cursor(at offset: Int) -> String { "p1-\(offset)-\(fingerprint)" }

    private func offset(ofCursor cursor: String) -> Int? {
        let parts = cursor.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "p1", parts[2] == fingerprint, let offset = Int(parts[1]), offset > 0,
            offset <= 10_000_000
        else { return nil }
        return offset
    }

    /// FNV-1a of everything that decides which rows there are.
    private var fingerprint: String {
        let text =
            "\(from)|\(to)|\(dimensions.map(\.rawValue))|\(campaignCode ?? "")|\(policies)|\(channel ?? "")|"
            + salesBy.rawValue
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return String(hash, radix: 36)
    }

    private static func invalid(_ field: String, _ detail: String) -> ReportQueryError {
        ReportQueryError(code: "invalid_parameter", field: field, detail: detail)
    }

    private static func day(_ name: String, _ given: [String: String]) throws(ReportQueryError) -> Day? {
        guard let text = given[name] else { return nil }
        guard let day = Day(text), (1970...9998).contains(day.civil.year) else {
            throw invalid(name, "An accounting day, YYYY-MM-DD.")
        }
        return day
    }

    private static func dimensions(_ text: String?) throws(ReportQueryError) -> [ReportDimension] {
        guard let text else { return [.day, .campaign] }
        var asked: Set<ReportDimension> = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let dimension = ReportDimension(rawValue: String(word)) else {
                throw invalid(
                    "by",
                    "A comma-separated list of \(ReportDimension.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            guard asked.insert(dimension).inserted else { throw invalid("by", "A dimension is named twice.") }
        }
        return ReportDimension.allCases.filter(asked.contains)
    }
}
