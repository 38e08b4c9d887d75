import AdModel
import ORD
import Testing

@Suite struct DetailTests {
    private func findings(_ change: (inout PartyDetails.Bank) -> Void) -> [String] {
        var bank = PartyDetails.Bank(
            name: "ПАО СБЕРБАНК", bik: "044525225", account: "40702810938000000001",
            correspondentAccount: "30101810400000000225")
        change(&bank)
        return PartyDetails(bank: bank).findings().map { "\($0.field): \($0.code)" }
    }

    @Test func `an account has a key that fits its bank`() {
        #expect(findings { _ in }.isEmpty)
        #expect(findings { $0.account = "40702810838000000001" } == ["bank.account: account_key"])
        #expect(findings { $0.account = "4070281093800000000" } == ["bank.account: account_format"])
        #expect(
            findings { $0.correspondentAccount = "30101810500000000225" } == ["bank.correspondent_account: account_key"]
        )
        #expect(findings { $0.bik = "04452522" } == ["bank.bik: bik_format"])
        #expect(findings { $0.bik = "０４４５２５２２５" } == ["bank.bik: bik_format"])
        #expect(findings { $0.correspondentAccount = nil }.isEmpty)
    }

    /// Any one digit of an account that is mistyped changes the key, for every bank.
    @Test func `one wrong digit of an account is found`() {
        let account = Array("40702810938000000001".utf8)
        for place in account.indices {
            for digit in UInt8(0x30)...0x39 where digit != account[place] {
                var wrong = account
                wrong[place] = digit
                #expect(!BankNumbers.isAccount(String(decoding: wrong, as: UTF8.self), bik: "044525225"))
            }
        }
    }

    @Test func `a switch takes its own values only`() {
        var switches = OperatorSwitches()
        #expect(switches.set("per_mille", "true", of: "vk") == nil)
        #expect(switches.vk.perMille && !switches.ozon.perMille)
        #expect(switches.set("contractor_role", "ors", of: "vk") == nil && switches.vk.contractorRole == "ors")
        #expect(switches.set("per_mille", "1", of: "vk") != nil)
        #expect(switches.set("contractor_role", "advertiser", of: "vk") != nil)
        #expect(switches.set("colour", "red", of: "vk")?.contains("per_mille") == true)
        #expect(switches.set("per_mille", "true", of: "beeline") != nil)
        #expect(switches.set("without_vat_rate", "-1", of: "mediascout") != nil)
        #expect(switches.set("without_vat_rate", "0", of: "mediascout") == nil)
        #expect(switches.mediascout.withoutVATRate == 0)
        #expect(OperatorSwitches().vk == .vk && OperatorSwitches().mediascout == MediascoutProfile())
        #expect(OperatorSwitches().ozon == OzonProfile())
    }

    @Test(arguments: [
        ("РМ-01/26", "PM-01/26"), ("РМ-01/26", "рм 01-26"), ("РМ-01", "РМ-О1"), ("З-1", "3-I"), ("№ 15", "15"),
    ])
    func `numbers that read alike are one number`(a: String, b: String) {
        #expect(Serial.folded(a) == Serial.folded(b))
    }

    @Test(arguments: [("РМ-1", "РМ-11"), ("А-1", "Б-1"), ("15/26", "15/27")])
    func `other numbers are not`(a: String, b: String) { #expect(Serial.folded(a) != Serial.folded(b)) }

    @Test(arguments: [
        " 1", "1 ", "1  2", "1\u{A0}2", "1\u{2002}2", "1\u{200D}2", "\u{FEFF}1", "1\t2", "1\u{AD}2", "1\u{202F}2",
    ])
    func `a number hides no spaces`(serial: String) {
        #expect(Serial.findings(serial, "serial").map(\.code).contains("serial_spaces"), "\(serial.unicodeScalars)")
    }
}
