import AdModel
import FinanceDocuments
import ORD
import Store

/// Finance as JSON. Money of acts is decimal text, that of the ledger micro-roubles.
enum FinanceJSON {
    static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    static func status(_ json: inout JSONText, _ status: MonthStatus) {
        json.member("month", status.month.description)
        json.member("state", status.state.rawValue)
        json.member("version", status.version)
        json.member("due", Deadlines.statistics(of: status.month).description)
    }

    static func links(_ json: inout JSONText, _ links: [Finding.Link]) {
        json.member("links", array: links) { json, link in
            json.object {
                $0.member("kind", link.kind)
                $0.member("id", link.id)
            }
        }
    }

    static func finding(_ json: inout JSONText, _ finding: Finding, blocks: Bool) {
        json.member("severity", finding.severity.rawValue)
        json.member("code", finding.code)
        json.member("object", finding.object)
        json.member("field", finding.field)
        json.member("message", finding.message)
        json.member("words") { json in
            for language in FindingWords.Language.allCases {
                let words = FindingWords.words(finding.code, language)
                json.member(language.rawValue) {
                    $0.member("what", words.what)
                    $0.member("advice", words.advice)
                }
            }
        }
        json.member("blocks", blocks)
        links(&json, finding.links)
    }

    static func levy(_ json: inout JSONText, _ levy: LevyForecast) {
        json.member("quarter", levy.quarter.description)
        json.member("base", levy.base.description)
        json.member("levy", levy.levy.description)
        json.member("calculated_by", levy.quarter.calculatedBy.description)
        json.member("confirm_by", levy.quarter.confirmBy.description)
        json.member("pay_by", levy.quarter.payBy.description)
    }

    static func overview(_ json: inout JSONText, _ month: MonthOverview) {
        status(&json, month.status)
        json.member("time_zone", month.statement.timeZone)
        json.member("overdue", month.isOverdue)
        json.member("earliest_freeze", month.earliestFreeze.rfc3339)
        json.member("next_states", month.status.state.next.map(\.rawValue))
        json.member("totals") { totals(&$0, month.totals) }
        json.member("carries_micros", month.carries.value)
        json.member("conditions", array: month.conditions) { json, condition in
            json.object {
                $0.member("code", condition.code.rawValue)
                $0.member("object", condition.object)
                $0.member("message", condition.message)
                links(&$0, condition.links)
            }
        }
        let blocking = Set(month.blocking)
        json.member("findings_total", month.findings.count)
        json.member("findings", array: month.findings.prefix(500)) { json, found in
            json.object { finding(&$0, found, blocks: blocking.contains(found)) }
        }
        json.member("overrides", array: month.overrides) { json, override in
            json.object {
                $0.member("code", override.code)
                $0.member("object", override.object)
                $0.member("field", override.field)
                $0.member("actor", override.actor)
                $0.member("reason", override.reason)
            }
        }
        json.member("pending") {
            $0.member("rows", month.pending.rows)
            $0.member("amount_micros", month.pending.amount.value)
            $0.member("charges", month.pending.charges.map { String($0) })
        }
        json.member("levy", array: month.levy) { json, forecast in json.object { levy(&$0, forecast) } }
        json.member("transitions", array: month.transitions) { json, step in
            json.object {
                $0.member("from", step.from.rawValue)
                $0.member("to", step.to.rawValue)
                $0.member("version", step.version)
                $0.member("at", step.at.rfc3339)
                $0.member("actor", step.actor)
                $0.member("reason", step.reason)
            }
        }
    }

    private static func totals(_ json: inout JSONText, _ totals: MonthTotals) {
        json.member("ledger_micros", totals.ledger.value)
        json.member("rounding_micros", totals.rounding.value)
        json.member("shows", totals.shows)
        json.member("rows", totals.rows)
        json.member("acts", totals.acts)
        json.member("acts_excluding_vat", totals.actsExcludingVAT.description)
        json.member("acts_vat", totals.actsVAT.description)
        json.member("acts_including_vat", totals.actsIncludingVAT.description)
        json.member("items_excluding_vat", totals.itemsExcludingVAT.description)
        json.member("statistics_excluding_vat", totals.statisticsExcludingVAT.description)
        json.member("statistics_vat", totals.statisticsVAT.description)
    }

    static func amount<A: CustomStringConvertible>(_ json: inout JSONText, _ amount: TaxedAmount<A>) {
        json.member("excluding_vat", amount.excludingVAT.description)
        json.member("vat_rate", amount.rate.rawValue)
        json.member("vat", amount.vat.description)
        json.member("including_vat", amount.includingVAT.description)
    }

    static func act(_ json: inout JSONText, _ found: ActRecord) {
        json.member("id", found.id)
        json.member("month", found.month.description)
        json.member("month_state", found.state.rawValue)
        json.member("version", found.version)
        json.member("contract", found.contract)
        json.member("advertiser", found.advertiser)
        json.member("serial", found.serial)
        json.member("date", found.act.date.description)
        json.member("date_start", found.act.dateStart.description)
        json.member("date_end", found.act.dateEnd.description)
        json.member("client_role", found.act.clientRole)
        json.member("contractor_role", found.act.contractorRole)
        json.member("amount") { amount(&$0, found.act.services) }
        json.member("ledger_micros", found.ledger.value)
        json.member("rounding_micros", found.rounding.value)
        json.member("rounding_charge", found.roundingCharge.map { String($0) })
        json.member("levy_status", found.levy)
        json.member("levy_quarter", LevyQuarter(of: found.act.date).description)
        json.member("items", array: found.act.items) { json, item in
            json.object {
                $0.member("contract", item.contractID)
                $0.member("cid", item.cid)
                $0.member("amount") { amount(&$0, item.amount) }
                $0.member("creatives", item.creativeIDs)
            }
        }
    }

    static func row(_ json: inout JSONText, _ row: StatisticsRow, act: String?) {
        json.member("id", "\(row.creativeID)__\(row.padID)")
        json.member("creative", row.creativeID)
        json.member("pad", row.padID)
        json.member("act", act)
        json.member("shows", row.shows)
        json.member("invoiced_shows", row.invoicedShows)
        json.member("pay_type", row.payType)
        json.member("unit_price", row.unitPrice?.description)
        if let sum = row.amount {
            json.member("amount") { amount(&$0, sum) }
        } else {
            json.member("amount", raw: nil)
        }
        json.member("date_start_actual", row.actualStart.description)
        json.member("date_end_actual", row.actualEnd.description)
        json.member("date_start_planned", row.plannedStart?.description)
        json.member("date_end_planned", row.plannedEnd?.description)
    }

    static func export(_ json: inout JSONText, _ export: ExportRecord) {
        json.member("id", export.code)
        json.member("month", export.month.description)
        json.member("correction", export.correction)
        json.member("profile", export.profile)
        json.member("file_name", export.fileName)
        json.member("sha256", hex(export.sha256))
        json.member("manifest_sha256", export.manifestSHA256.map(hex))
        json.member("lines", export.lines)
        json.member("made_at", export.madeAt.rfc3339)
        json.member("actor", export.actor)
    }

    static func push(_ json: inout JSONText, _ push: PushRecord) {
        json.member("id", push.code)
        json.member("month", push.month.description)
        json.member("export", push.export)
        json.member("correction", push.correction)
        json.member("state", push.state.rawValue)
        json.member("not_before", push.notBefore?.rfc3339)
        json.member("started_at", push.startedAt.rfc3339)
        json.member("changed_at", push.changedAt.rfc3339)
        json.member("actor", push.actor)
        json.member("objects") { json in
            for state in ["queued", "sending", "unknown", "accepted", "refused"] {
                json.member(state, push.objects[state] ?? 0)
            }
        }
        json.member("register") { json in
            for word in ["waiting", "processing", "verified", "bad", "none"] {
                json.member(word, push.register[word] ?? 0)
            }
        }
    }

    static func item(_ json: inout JSONText, _ item: PushItem) {
        json.member("kind", item.stage.word)
        json.member("id", item.externalID)
        json.member("method", item.method)
        json.member("path", item.path)
        json.member("state", item.state)
        json.member("unchanged", item.isUnchanged)
        json.member("attempts", item.attempts)
        json.member("next_at", item.nextAt.rfc3339)
        json.member("status", item.status.map(Int64.init))
        json.member("error_code", item.errorCode)
        json.member("error_field", item.errorField)
        json.member("error_message", item.errorMessage)
        json.member("register_status", item.erirStatus)
        json.member("register_messages", item.erirMessages)
        json.member("changed_at", item.changedAt.rfc3339)
    }

    static func call(_ json: inout JSONText, _ call: OperatorCallRecord) {
        json.member("id", String(call.id))
        json.member("method", call.method)
        json.member("path", call.path)
        json.member("push", call.push)
        json.member("creative", call.creative)
        json.member("object", call.externalID)
        json.member("objects", call.objects)
        json.member("started_at", call.startedAt.rfc3339)
        json.member("finished_at", call.finishedAt?.rfc3339)
        json.member("outcome", call.outcome ?? "open")
        json.member("status", call.status.map(Int64.init))
        json.member("error_code", call.errorCode)
    }
}
