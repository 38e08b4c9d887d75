import AdModel
import Store

/// Answers about attribution as JSON; the command line prints the same.
public enum AttributionJSON {
    /// An order explained, as `GET /v1/orders/{id}/attribution` answers it.
    public static func explanation(_ it: OrderExplanation) -> String { text { explanation(it, &$0) } }

    /// A page of a comparison, as `GET /v1/reports/{id}/diff` answers it, without a cursor.
    public static func diff(_ it: PublicationDiff.Page) -> String { text { diff(it, items: it.items, &$0) } }

    /// A publication.
    public static func publication(_ it: Publication, shares: [PublicationShare]) -> String {
        text { publication(it, shares: shares, &$0) }
    }

    /// The outcome of every check of `nimb doctor ledger`.
    public static func doctor(_ it: LedgerDoctor.Report) -> String {
        text { json in
            json.member("healthy", it.isHealthy)
            json.member("checks", array: it.findings) { json, finding in
                json.object { json in
                    json.member("check", finding.check)
                    json.member("rule", finding.rule)
                    json.member("offences", finding.count)
                    json.member("ids", finding.ids)
                }
            }
        }
    }

    /// The outcome of `nimb replay`.
    public static func replay(_ it: LedgerReplay.Report) -> String {
        text { json in
            json.member("from", it.range.from.description)
            json.member("to", it.range.to.description)
            json.member("policy", it.policy)
            json.member("agrees", it.agrees)
            json.member("orders", it.orders)
            json.member("refused_orders", it.refused)
            json.member("policies", it.policies)
            json.member("inputs_hash", hex(it.inputsHash))
            json.member("policy_hash", hex(it.policyHash))
            json.member("ledger_hash", hex(it.ledgerHash))
            json.member("result_hash", hex(it.resultHash))
            json.member("differing_orders", it.differing)
            json.member("differences", array: it.differences) { json, difference in
                json.object { json in
                    json.member("storefront", difference.storefront)
                    json.member("order", difference.orderID)
                    json.member("ledger", difference.ledger)
                    json.member("replay", difference.replay)
                }
            }
            json.member("differing_touches", it.touches.count)
            json.member("touches", array: it.touches.touches) { json, touch in
                json.object { json in
                    json.member("touch", touch.id)
                    json.member("problem", touch.problem)
                }
            }
            shares("booked", it.booked, &json)
            shares("replayed", it.replayed, &json)
        }
    }

    private static func shares(_ name: String, _ shares: [LedgerReplay.Share], _ json: inout JSONText) {
        json.member(name, array: shares) { json, share in
            json.object { json in
                json.member("advertiser", share.advertiser)
                json.member("campaign", share.campaign)
                json.member("policy", share.policy)
                json.member("interaction", share.interaction)
                json.member("orders", share.sums.orders)
                json.member("units", share.sums.units)
                json.member("amount_micros", share.sums.amountMicros)
            }
        }
    }

    private static func text(_ build: (inout JSONText) -> Void) -> String {
        var json = JSONText()
        json.object(build)
        return json.text
    }

    // MARK: Members

    static func explanation(_ it: OrderExplanation, _ json: inout JSONText) {
        json.member("order", it.orderID)
        json.member("storefront", it.storefront)
        json.member("ordered_at", it.orderedAt.rfc3339)
        json.member("channel", it.channel)
        json.member("ledger_agrees", it.ledgerAgrees)
        json.member("adjustments", array: it.adjustments) { json, adjustment in
            json.object { json in
                json.member("id", adjustment.id)
                json.member("kind", adjustment.kind)
                json.member("occurred_at", adjustment.occurredAt.rfc3339)
                json.member("line_no", adjustment.lineNumber.map(Int64.init))
                json.member("units", adjustment.units.map(Int64.init))
                json.member("amount_micros", adjustment.amountMicros)
            }
        }
        json.member("links", array: it.links) { json, link in
            json.object { json in
                json.member("visitor", link.visitor)
                json.member("customer", link.customer)
                json.member("linked_at", link.linkedAt.rfc3339)
            }
        }
        json.member("lines", array: it.lines) { json, line in json.object { self.line(line, &$0) } }
    }

    private static func line(_ it: OrderExplanation.Line, _ json: inout JSONText) {
        json.member("line_no", it.number)
        json.member("sku", it.sku)
        json.member("units", it.units)
        json.member("net_amount_micros", it.netAmountMicros)
        json.member("contests", array: it.contests) { json, contest in
            json.object { json in
                json.member("policy", contest.policy)
                json.member("policy_hash", hex(contest.policyHash))
                json.member("winners", array: contest.winners) { json, winner in
                    json.object { json in
                        touch(winner.touch, &json)
                        json.member("level", winner.level)
                        json.member("units", winner.units)
                        json.member("amount_micros", winner.amountMicros)
                    }
                }
                json.member("losers", array: contest.losers) { json, loser in
                    json.object { json in
                        touch(loser.touch, &json)
                        json.member("reason", loser.reason)
                    }
                }
                json.member("losers_omitted", contest.losersOmitted)
            }
        }
        json.member("postings", array: it.postings) { json, posting in
            json.object { json in
                json.member("id", String(posting.id))
                json.member("campaign", posting.campaign)
                self.posting(posting, &json)
            }
        }
    }

    private static func touch(_ it: OrderExplanation.Touch, _ json: inout JSONText) {
        json.member("rival", it.isRival)
        json.member("touch", it.id)
        json.member("advertiser", it.advertiser)
        json.member("campaign", it.campaign)
        json.member("line_item", it.lineItem)
        json.member("interaction", it.interaction)
        json.member("occurred_at", it.occurredAt.rfc3339)
    }

    private static func posting(_ it: OrderExplanation.Posting, _ json: inout JSONText) {
        json.member("policy", it.policy)
        json.member("touch", it.touch)
        json.member("level", it.level)
        json.member("kind", it.kind)
        json.member("units", it.units)
        json.member("amount_micros", it.amountMicros)
        json.member("cause", it.cause.kind.rawValue)
        json.member("cause_reference", it.cause.reference)
        json.member("cause_at", it.causeAt.rfc3339)
        json.member("posting_month", Publications.text(it.postingMonth))
        json.member("recorded_at", it.recordedAt.rfc3339)
    }

    static func credit(_ it: CreditPages.Row, _ json: inout JSONText) {
        json.member("id", String(it.id))
        json.member("order", it.orderID)
        json.member("storefront", it.storefront)
        json.member("line_no", it.lineNumber)
        json.member("advertiser", it.advertiser)
        json.member("campaign", it.campaign)
        json.member("line_item", it.lineItem)
        json.member("interaction", it.interaction)
        posting(it.posting, &json)
        json.member("adjustment", it.adjustment)
        json.member("ordered_at", it.orderedAt.rfc3339)
        json.member("touched_at", it.touchedAt.rfc3339)
    }

    static func publication(_ it: Publication, shares: [PublicationShare]?, _ json: inout JSONText) {
        json.member("id", it.code)
        json.member("month", Publications.text(it.month))
        json.member("version", it.version)
        json.member("published_at", it.publishedAt.rfc3339)
        json.member("data_through", it.dataThrough.rfc3339)
        json.member("orders", it.orders)
        json.member("inputs_hash", hex(it.inputsHash))
        json.member("policy_hash", hex(it.policyHash))
        json.member("result_hash", hex(it.resultHash))
        json.member("posting_hash", hex(it.postingHash))
        json.member("note", it.note)
        guard let shares else { return }
        json.member("shares", array: shares) { json, share in
            json.object { json in
                json.member("advertiser", share.advertiser)
                json.member("policy", share.policy)
                json.member("entries", share.entries)
                json.member("units", share.units)
                json.member("amount_micros", share.amountMicros)
                json.member("result_hash", hex(share.resultHash))
            }
        }
    }

    static func diff(
        _ it: PublicationDiff.Page, items: some Sequence<PublicationDiff.Item>, _ json: inout JSONText
    ) {
        func side(_ name: String, _ side: PublicationDiff.Side) {
            json.member(name) { json in
                json.member("publication", side.publication)
                json.member("version", side.version.map(Int64.init))
            }
        }
        json.member("month", Publications.text(it.month))
        side("before", it.from)
        side("after", it.to)
        json.member("moved", it.moved)
        json.member("totals", array: it.totals) { json, totals in json.object { change(totals, &$0) } }
        json.member("items", array: items) { json, item in
            json.object { json in
                json.member("order", item.orderID)
                json.member("storefront", item.storefront)
                json.member("advertiser", item.advertiser)
                json.member("ordered_at", item.orderedAt.rfc3339)
                json.member("changes", array: item.changes) { json, totals in json.object { change(totals, &$0) } }
                json.member("reasons", array: item.reasons) { json, reason in
                    json.object { json in
                        json.member("cause", reason.cause.kind == .order ? "late_order" : reason.cause.kind.rawValue)
                        json.member("cause_reference", reason.cause.reference)
                        json.member("at", reason.at.rfc3339)
                        json.member("units", reason.units)
                        json.member("amount_micros", reason.amountMicros)
                    }
                }
            }
        }
    }

    private static func change(_ it: PublicationDiff.Totals, _ json: inout JSONText) {
        json.member("policy", it.policy)
        json.member("units_before", it.unitsBefore)
        json.member("units_after", it.unitsAfter)
        json.member("amount_before_micros", it.amountBeforeMicros)
        json.member("amount_after_micros", it.amountAfterMicros)
    }

    /// Lower-case hexadecimal digits.
    public static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
