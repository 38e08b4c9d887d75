import AdModel
import FinanceDocuments
import FinanceExports
import Foundation
import ORD
import Testing

@Suite struct PaperTests {
    private var invoice: TopUpInvoice {
        TopUpInvoice(
            number: "С-2026/0042", date: Shop.day("2026-04-02"),
            seller: Party(Shop.retailer, Shop.details["org-shop"] ?? PartyDetails()), buyer: Party(Shop.coffee),
            contract: Shop.contract, net: KopeckAmount(kopecks: 10_000_000), rate: .twentyTwo,
            payBy: Shop.day("2026-04-09"))
    }

    private var statement: SettlementStatement {
        func entry(
            _ day: String, _ kind: SettlementStatement.Entry.Kind, _ document: String, _ kopecks: Int64
        ) -> SettlementStatement.Entry {
            .init(day: Shop.day(day), kind: kind, document: document, amount: KopeckAmount(kopecks: kopecks))
        }
        return SettlementStatement(
            from: Shop.day("2026-01-01"), to: Shop.day("2026-03-31"),
            seller: Party(Shop.retailer, Shop.details["org-shop"] ?? PartyDetails()), buyer: Party(Shop.coffee),
            contract: Shop.contract, opening: KopeckAmount(kopecks: 500_000),
            entries: [
                entry("2026-03-31", .act, "Акт № РМ-2026/0001", -1_219_878),
                entry("2026-02-02", .topUp, "Платёжное поручение № 17", 1_000_000),
                entry("2026-03-15", .refund, "Возврат по письму от 14.03.2026", -100_000),
            ])
    }

    @Test func `an invoice holds the bank, the sums, the words and the purpose`() {
        let html = String(decoding: invoice.html, as: UTF8.self)
        for words in [
            "Счёт на оплату № С-2026/0042 от 2 апреля 2026 г.", "044525225", "40702810938000000001",
            "100\u{A0}000,00", "22\u{A0}000,00", "122\u{A0}000,00", "Сто двадцать две тысячи рублей 00 копеек",
            "Оплата по счёту № С-2026/0042 от 02.04.2026 за размещение рекламы, в т. ч. НДС 22 % — 22\u{A0}000,00 ₽",
            "Оплатить до 9 апреля 2026 г.",
        ] { #expect(html.contains(words), "\(words)") }
    }

    @Test func `a reconciliation statement opens, adds up and closes`() {
        #expect(statement.closing == KopeckAmount(kopecks: 180_122))
        let html = String(decoding: statement.html, as: UTF8.self)
        for words in [
            "Акт сверки взаимных расчётов", "Сальдо на 01.01.2026", "5\u{A0}000,00", "12\u{A0}198,78",
            "13\u{A0}198,78",
            "На 31.03.2026 задолженность в пользу ООО «Зерно &amp; Свет» составляет 1\u{A0}801,22 ₽",
            "Одна тысяча восемьсот один рубль 22 копейки",
        ] { #expect(html.contains(words), "\(words)") }
        #expect(statement.entries.map(\.day) == statement.entries.map(\.day).sorted())
    }

    @Test func `papers become PDF without asking for anything`() async throws {
        let printer = PDFPrinter()
        var papers = [("invoice", invoice.html), ("statement", statement.html)]
        for act in ActDocument.all(of: try Shop.month()) { papers.append((act.fileStem, act.html)) }
        papers.append(
            ("reconciliation", ReconciliationReport.html(Reconciliation(try Shop.month { $0.creatives[0].erid = nil })))
        )
        for (name, html) in papers {
            let pdf = try await printer.pdf(of: html)
            #expect(pdf.starts(with: Array("%PDF-".utf8)), "\(name)")
            // To look at them: NIMB_PAPERS=/some/folder.
            if let folder = ProcessInfo.processInfo.environment["NIMB_PAPERS"] {
                let base = URL(fileURLWithPath: folder).appendingPathComponent(name)
                try Data(pdf).write(to: base.appendingPathExtension("pdf"))
                try Data(html).write(to: base.appendingPathExtension("html"))
            }
        }
    }

    @Test func `a missing program is a clear error`() async {
        await #expect {
            try await PDFPrinter(program: "/nowhere/weasyprint").pdf(of: invoice.html)
        } throws: { ($0 as? PDFError)?.code == .unavailable }
    }

    @Test func `a paper that names an address or is too large is refused`() async {
        var limits = PDFPrinter.Limits()
        limits.html = 10
        await #expect {
            try await PDFPrinter(limits: limits).pdf(of: invoice.html)
        } throws: { ($0 as? PDFError)?.code == .tooLarge }
        await #expect {
            try await PDFPrinter().pdf(of: Array(#"<img src="file:///etc/passwd">"#.utf8))
        } throws: { ($0 as? PDFError)?.code == .failed }
    }

    @Test func `a program that hangs is ended`() async throws {
        let script = FileManager.default.temporaryDirectory.appendingPathComponent("hang-\(UUID().uuidString)")
        try Data("#!/bin/sh\nexec tail -f /dev/null\n".utf8).write(to: script)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: script.path)
        defer { try? FileManager.default.removeItem(at: script) }
        var limits = PDFPrinter.Limits()
        limits.time = .seconds(1)
        await #expect {
            try await PDFPrinter(program: script.path, limits: limits).pdf(of: invoice.html)
        } throws: { ($0 as? PDFError)?.code == .timedOut }
    }
}
