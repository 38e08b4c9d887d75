import AdModel
import Archive
import FinanceDocuments
import FinanceExports
import Foundation
import ORD
import Testing

@Suite struct MonthFormatTests {
    private func text(_ file: ExportFile) -> String { String(decoding: file.bytes, as: UTF8.self) }

    @Test(arguments: MonthFormat.allCases.filter { ![.actsPDF, .reconciliationPDF].contains($0) })
    func `equal months give equal files, safely named`(format: MonthFormat) async throws {
        let first = try await format.files(for: try Shop.month())
        let second = try await format.files(for: try Shop.month { $0.facts.reverse() })
        #expect(first == second)
        #expect(!first.isEmpty)
        #expect(Set(first.map(\.name)).count == first.count)
        for file in first {
            #expect(
                file.name.utf8.allSatisfy {
                    (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || [0x2D, 0x2E].contains($0)
                }, "\(file.name)")
            #expect(!file.bytes.isEmpty)
        }
    }

    @Test(arguments: MonthFormat.allCases)
    func `only what goes to an operator is refused while the gate fails`(format: MonthFormat) async throws {
        guard ![.actsPDF, .reconciliationPDF].contains(format) else { return }
        let month = try Shop.month { $0.creatives[0].erid = nil }
        if format.needsGate {
            await #expect(throws: ORDError.self) { _ = try await format.files(for: month) }
        } else {
            #expect(try await !format.files(for: month).isEmpty)
        }
    }

    @Test func `an act holds parties, numbers, sums and the sum in words`() async throws {
        let acts = try await MonthFormat.actsHTML.files(for: try Shop.month())
        #expect(acts.map(\.name) == ["act-coffee-2026-03.html", "act-tea-2026-03.html"])
        let act = text(acts[0])
        for words in [
            "Акт № РМ-2026/0001 от 31 марта 2026 г.", "ООО «Зерно &amp; Свет»", "ИНН 7707083893, КПП 770701001",
            "договор № РМ-15/26 от 10 января 2026 г.", "9\u{A0}999,00", "2\u{A0}199,78", "12\u{A0}198,78",
            "Двенадцать тысяч сто девяносто восемь рублей 78 копеек", "с 01.03.2026 по 31.03.2026",
            "2Vtzqcrbeansv1", "3\u{A0}332,96667", "0,09999", "Лавкина О. П.",
        ] { #expect(act.contains(words), "\(words)") }
        #expect(!act.contains("Проект"))
    }

    @Test func `text of other people is never markup`() async throws {
        let month = try Shop.month { statement in
            statement.creatives[2].name = #"<img src="http://evil.example/x"> & co"#
        }
        for format in [MonthFormat.actsHTML, .reconciliationHTML] {
            for file in try await format.files(for: month) { #expect(!text(file).contains("<img"), "\(file.name)") }
        }
    }

    @Test func `acts of an open month say that they are drafts`() async throws {
        let acts = try await MonthFormat.actsHTML.files(for: try Shop.month { $0.serials = [:] })
        #expect(text(acts[0]).contains("<b>Проект.</b>"))
        #expect(text(acts[0]).contains("Акт от 31 марта 2026 г."))
    }

    @Test func `the reconciliation says that all agrees, with levy and deadlines`() async throws {
        let report = text(try #require(try await MonthFormat.reconciliationHTML.files(for: try Shop.month()).first))
        for words in [
            "Сверка за март 2026 г.", "Всё сходится", "I квартал 2026", "10\u{A0}036,04", "301,08", "15.05.2026",
            "25.05.2026", "05.06.2026", "30.04.2026", "осталось 20 дней", "Замечаний нет", "101\u{A0}120",
        ] { #expect(report.contains(words), "\(words)") }
        #expect(!report.contains("расходится"))
    }

    @Test func `a finding leads to its row, and the verdict names it`() async throws {
        let month = try Shop.month {
            $0.creatives[0].erid = nil
            $0.ledgerTotal += Micros(1)
        }
        let report = text(try #require(try await MonthFormat.reconciliationHTML.files(for: month).first))
        #expect(report.contains("Суммы расходятся"))
        #expect(report.contains(##"<a href="#creative-cr-beans-v1">Креатив cr-beans-v1</a>"##))
        #expect(report.contains(#"id="creative-cr-beans-v1""#))
        #expect(report.contains("Реклама показывалась без erid"))
    }

    @Test func `1C reads decimal commas, Russian days and windows-1251`() async throws {
        let utf8 = try #require(try await MonthFormat.oneC.files(for: try Shop.month()).first)
        let lines = text(utf8).split(separator: "\r\n")
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("\u{FEFF}Дата;Номер;Контрагент;ИНН;КПП;Договор;ДатаДоговора;Номенклатура"))
        #expect(
            lines[1]
                == "31.03.2026;РМ-2026/0001;ООО «Зерно & Свет»;7707083893;770701001;РМ-15/26;10.01.2026;Размещение рекламы, март 2026 г.;1;усл.;9999,00;9999,00;22%;2199,78;12198,78;01.03.2026;31.03.2026;act-coffee-2026-03"
        )
        let old = try #require(try await MonthFormat.oneC1251.files(for: try Shop.month()).first)
        #expect(old.contentType == "text/csv; charset=windows-1251")
        #expect(String(data: Data(old.bytes), encoding: .windowsCP1251) == text(utf8).replacing("\u{FEFF}", with: ""))
    }

    @Test func `a signed bundle has its signature beside it, and stays the same bundle`() async throws {
        let plain = try #require(try await MonthFormat.vk.files(for: try Shop.month()).first)
        let entries = try ZipReader.entries(of: plain.bytes)
        #expect(entries.contains { $0.name == "manifest.json" })
        #expect(plain.name == "ord-vk-2026-03.zip")
    }
}
