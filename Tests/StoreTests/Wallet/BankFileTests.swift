import AdModel
import ORD
import Store
import TestKit
import Testing

@Suite("Files of the bank") struct BankFileTests {
    static let exchange = """
        1CClientBankExchange
        ВерсияФормата=1.03
        Кодировка=Windows
        РасчСчет=40702810000000000001
        СекцияРасчСчет
        КонецРасчСчет
        СекцияДокумент=Платежное поручение
        Номер=17
        Дата=20.11.2026
        Сумма=12200.00
        ПлательщикИНН=7736207543
        Плательщик1=ООО "Норд"
        ПолучательИНН=7700000016
        НазначениеПлатежа=Оплата по договору № РМ-17/2025, в т.ч. НДС 22 %
        КонецДокумента
        СекцияДокумент=Платежное поручение
        Номер=18
        Дата=20.11.2026
        Сумма=500
        ПлательщикИНН=7743013902
        ПолучательИНН=7700000016
        НазначениеПлатежа1=Оплата за
        НазначениеПлатежа2=рекламу
        КонецДокумента
        КонецФайла

        """

    static let table = #"""
        number;date;amount;payer_inn;purpose
        17;2026-11-20;"12200,00";7736207543;"Оплата; договор ""РМ-17/2025"""

        """#

    /// The same text as accounting programs write it.
    static func windows1251(_ text: String) -> [UInt8] {
        text.unicodeScalars.map { scalar in
            switch scalar.value {
            case 0x410...0x44F: UInt8(scalar.value - 0x410 + 0xC0)
            case 0x2116: 0xB9
            default: UInt8(truncatingIfNeeded: scalar.value)
            }
        }
    }

    private func problems(_ text: String) -> [String] {
        do {
            _ = try BankFile.read(Array(text.utf8))
            return []
        } catch { return error.problems.map { "\($0.field) \($0.code)" } }
    }

    @Test func bothEncodingsOfTheExchangeFormatMeanTheSame() throws {
        let file = try BankFile.read(Array(Self.exchange.utf8))
        #expect(file.format == .exchange1C)
        #expect(file.documents.map(\.number) == ["17", "18"])
        #expect(file.documents[0].amount.kopecks == 1_220_000)
        #expect(file.documents[0].date.description == "2026-11-20")
        #expect(file.documents[0].payerName == "ООО \"Норд\"")
        #expect(file.documents[1].purpose == "Оплата за рекламу")
        #expect(try BankFile.read(Self.windows1251(Self.exchange)) == file)
        #expect(try BankFile.read([0xEF, 0xBB, 0xBF] + Array(Self.exchange.utf8)) == file)
        let dos = Self.exchange.replacing("\n", with: "\r\n")
        #expect(try BankFile.read(Array(dos.utf8)) == file)
    }

    @Test func aTableMeansTheSameAsTheExchangeFormat() throws {
        let file = try BankFile.read(Array(Self.table.utf8))
        #expect(file.format == .csv)
        #expect(file.documents.count == 1)
        #expect(file.documents[0].amount.kopecks == 1_220_000)
        #expect(file.documents[0].purpose == "Оплата; договор \"РМ-17/2025\"")
    }

    @Test func everyMistakeIsToldWithItsField() {
        var bad = Self.exchange.replacing("Сумма=12200.00", with: "Сумма=-1").replacing("Номер=18", with: "Номер=")
        bad = bad.replacing("Дата=20.11.2026\nСумма=500", with: "Дата=31.02.2026\nСумма=500")
        bad = bad.replacing("ПлательщикИНН=7743013902", with: "ПлательщикИНН=77430")
        #expect(
            problems(bad) == [
                "documents[1].Сумма invalid", "documents[2].Номер required", "documents[2].Дата invalid",
                "documents[2].ПлательщикИНН invalid",
            ])
        #expect(problems(Self.exchange.replacing("КонецФайла", with: "")) == ["file cut_off"])
        #expect(
            problems(Self.exchange.replacing("КонецДокумента\nКонецФайла", with: "КонецФайла")) == [
                "documents[2] not_closed"
            ])
        #expect(problems("") == ["file empty"])
        #expect(problems("<html>") == ["file unknown_format"])
        #expect(problems(Self.table.replacing("purpose", with: "remark")) == ["file unknown_column"])
        #expect(problems(Self.table.replacing("7736207543;", with: "")) == ["documents[1] fields"])
        #expect(problems(Self.table + "18;2026-11-20;\"1;7736207543;\"\n") == ["documents[2] fields"])
        #expect(problems(String(repeating: "x", count: BankFile.sizeLimit + 1)) == ["file too_large"])
    }

    /// Files of every kind of rubbish are refused, never crash.
    @Test func rubbishIsRefused() {
        var random = WalletRandom(state: 4)
        let good = Array(Self.exchange.utf8)
        for _ in 0..<400 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
            do {
                _ = try BankFile.read(bytes)
            } catch { #expect(!error.problems.isEmpty) }
        }
    }

    @Test func nothingOfAPaymentIsLostWhenVATIsTakenOutOfIt() throws {
        var random = WalletRandom(state: 9)
        for rate in VATRate.allCases {
            for _ in 0..<2_000 {
                let paid = KopeckAmount(kopecks: Int64.random(in: 1...10_000_000_000, using: &random))
                let parts = WalletVAT.splitting(paid: paid, at: rate)
                #expect(parts.gross == paid)
                // The exact share is within half a kopeck: |vat x (100 + p) - paid x p| x 2 <= 100 + p.
                let whole = 100 + rate.percent
                let distance = abs(parts.vat.kopecks * whole - paid.kopecks * rate.percent)
                #expect(distance * 2 <= whole, "\(paid) at \(rate)")
            }
        }
        #expect(WalletVAT.splitting(paid: KopeckAmount(kopecks: 12_200), at: .twentyTwo).vat.kopecks == 2_200)
        #expect(WalletVAT.adding(to: Micros(-5_000), at: .twenty).gross == .zero - KopeckAmount(kopecks: 1))
    }
}
