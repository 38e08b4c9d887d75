import AdModel

/// What a creative did on a pad in one calendar month.
public struct StatisticsRow: Hashable, Codable, Sendable {
    public var creativeID: String
    public var padID: String
    /// Valid impressions, whole (R21).
    public var shows: Int64
    /// nil together with the money.
    public var invoicedShows: Int64?
    public var amount: TaxedAmount<Decimal5>?
    public var unitPrice: UnitPrice?
    /// `cpa, cpc, cpm, other`.
    public var payType: String?
    public var actualStart: Day
    public var actualEnd: Day
    public var plannedStart: Day?
    public var plannedEnd: Day?

    public init(
        creativeID: String, padID: String, shows: Int64, invoicedShows: Int64? = nil,
        amount: TaxedAmount<Decimal5>? = nil, unitPrice: UnitPrice? = nil, payType: String? = nil, actualStart: Day,
        actualEnd: Day, plannedStart: Day? = nil, plannedEnd: Day? = nil
    ) {
        self.creativeID = creativeID
        self.padID = padID
        self.shows = shows
        self.invoicedShows = invoicedShows
        self.amount = amount
        self.unitPrice = unitPrice
        self.payType = payType
        self.actualStart = actualStart
        self.actualEnd = actualEnd
        self.plannedStart = plannedStart
        self.plannedEnd = plannedEnd
    }

    /// Everything that the operator would refuse.
    /// - Parameter actDate: date of the act that bills the row; decides the VAT rate.
    public func findings(
        creatives: [String: Creative], pads: [String: Pad], actDate: Day, today: Day
    ) -> [Finding] {
        var c = Checker("statistics \(creativeID) \(padID)")
        let creative = creatives[creativeID]
        if creative == nil { c.fail("creative_external_id", "not_found", "there is no creative \(creativeID)") }
        if pads[padID] == nil { c.fail("pad_external_id", "not_found", "there is no pad \(padID)") }
        if shows < 0 { c.fail("shows_count", "range", "must not be negative") }
        if let invoicedShows {
            if invoicedShows < 0 {
                c.fail("invoice_shows_count", "range", "must not be negative")
            } else if invoicedShows > shows {
                c.fail(
                    "invoice_shows_count", "more_than_shows",
                    "\(invoicedShows) invoiced of \(shows) shown: find the charges without shows")
            }
        }
        if let payType { c.choice("pay_type", payType, Creative.payTypes) }
        checkDates(&c, "actual", actualStart, actualEnd, today)
        if let plannedStart, let plannedEnd {
            checkDates(&c, "planned", plannedStart, plannedEnd, today)
            if let month = AccountingMonth(containing: actualStart), !month.contains(plannedStart) {
                c.fail("date_start_planned", "other_month", "must be in the month of the actual dates")
            }
        } else if plannedStart != nil || plannedEnd != nil {
            c.fail("date_start_planned", "required", "give both planned dates or none")
        }
        checkMoney(&c, creative, actDate)
        return c.findings
    }

    private func checkDates(_ c: inout Checker, _ kind: String, _ start: Day, _ end: Day, _ today: Day) {
        if start > end { c.fail("date_start_\(kind)", "date_order", "must not be after date_end_\(kind)") }
        if let month = AccountingMonth(containing: start), !month.contains(end) {
            c.fail("date_end_\(kind)", "other_month", "a row lies inside one calendar month: split it")
        }
        for (field, day) in [("date_start_\(kind)", start), ("date_end_\(kind)", end)] where day > today {
            c.fail(field, "date_in_future", "\(day) is after today (\(today) UTC): export from that day on")
        }
    }

    private func checkMoney(_ c: inout Checker, _ creative: Creative?, _ actDate: Day) {
        if creative?.isSelfPromotion == true {
            if amount != nil || unitPrice != nil || invoicedShows != nil {
                c.fail("amount", "self_promotion_money", "self-promotion has no money: correct the charges")
            }
            if payType != nil { c.fail("pay_type", "forbidden", "self-promotion is not paid: remove it") }
        }
        guard let amount else {
            if unitPrice != nil { c.fail("amount_per_event", "forbidden", "a row without money has no price") }
            return
        }
        AmountRules.check(amount, "amount", on: actDate, &c)
        guard let unitPrice else {
            c.fail("amount_per_event", "required", "a row with money needs the price of one event")
            return
        }
        if (amount.excludingVAT > .zero) != (unitPrice.units > 0) {
            c.fail("amount_per_event", "zero_price", "amount and price are both zero or both positive")
        }
        let scale: Int64 = unitPrice.decimals == 8 ? 100_000_000 : 100_000
        if unitPrice.units / scale > 10_000_000_000 {
            c.fail("amount_per_event", "amount_range", "the whole part must be at most 10000000000")
        }
        if payType == nil { c.fail("pay_type", "required", "a row with money says what is paid for") }
        if invoicedShows == nil {
            c.fail("invoice_shows_count", "required", "a row with money says how many shows are invoiced")
        }
    }
}
