import ORD
import Testing

@Suite struct KKTUTests {
    let kktu = ObjectCaseTests.kktu

    @Test func `the classifier has 405 codes in three levels, and every parent is there`() {
        #expect(kktu.entries.count == 405)
        #expect((1...3).map { level in kktu.entries.count { $0.level == level } } == [30, 82, 293])
        for entry in kktu.entries where entry.level > 1 {
            #expect(entry.parent.flatMap { kktu.entry($0) }?.level == entry.level - 1, "\(entry.code)")
        }
    }

    @Test(arguments: [
        ("1.2.1", "табачные изделия"), ("4.1.1", "средства для мытья посуды"), ("6.1.1", "интернет"),
        ("17.3.1", "кофе"), ("30.10.1", "реклам"), ("30.15.1", "прочие товары и услуги"),
    ])
    func `codes named in operators' documents have their names`(code: String, name: String) {
        #expect(kktu.entry(code)?.name.lowercased().contains(name) == true)
        #expect(kktu.entry(code)?.isUsable == true)
    }

    @Test func `only third-level codes are usable`() {
        for entry in kktu.entries { #expect(entry.isUsable == (entry.level == 3), "\(entry.code)") }
    }

    @Test func `search finds words in any case and order, usable codes first`() {
        #expect(kktu.search("кофе").first?.code == "17.3.1")
        #expect(kktu.search("ПОСУДЫ мытья").map(\.code).contains("4.1.1"))
        let coded = kktu.search("17.3")
        #expect(coded.first?.isUsable == true && coded.contains { $0.code == "17.3" })
        #expect(kktu.search("  ").isEmpty)
        #expect(kktu.search("абракадабра").isEmpty)
    }

    @Test(arguments: [
        ("кофе", "17.3.1"), ("Кофе в зёрнах", "17.3.1"), ("корма для кошек", "27.1.1"), ("собакам", "27.1.1"),
        ("шампуни", "15.1.3"), ("зубную пасту", "22.3.1"), ("стиральный порошок", "4.1.2"), ("молоко", "17.1.3"),
        ("игрушек", "26.2.1"), ("смартфоны", "23.1.1"), ("духи", "15.3.3"), ("шоколадных батончиков", "17.4.1"),
        ("чай", "17.3.4"), ("минеральная вода", "18.1.2"), ("холод", "3.1.2"), ("крем для рук", "15.2.6"),
        ("кроссовки", "14.1.9"), ("витамины", "12.2.1"), ("Сыры", "17.1.3"), ("мебель", "11.1.1"),
    ])
    func `search understands forms of words and what shops call things`(query: String, code: String) {
        let found = kktu.search(query, limit: 5)
        #expect(found.map(\.code).contains(code), "\(found.map(\.displayName))")
        #expect(found.first?.isUsable == true)
    }

    @Test(arguments: [
        "code,level|1,1|", "1,1,,0,A,A,,2,s|1,1,,0,A,A,,2,s|", "1,2,,0,A,A,,2,s|", "1.1,2,1,0,A,A,,2,s|",
        "1,1,,1,A,A,,2,s|", "1,1,,0,,,,2,s|", "01,1,,0,A,A,,2,s|", "1,1,,0,A|",
    ])
    func `a damaged list is refused with its line`(lines: String) {
        let header = "code,level,parent_code,usable_in_creative,name_ru,name_ru_display,name_en,sources_n,sources\n"
        let body = lines.replacing("|", with: "\n")
        let text = lines.hasPrefix("code") ? body : header + body
        #expect {
            try KKTUDictionary(csv: Array(text.utf8))
        } throws: { error in
            guard let error = error as? ORDError else { return false }
            return error.code == "kktu_file" && error.findings.first?.object.contains("line") == true
        }
    }
}

@Suite struct SerialTests {
    @Test(arguments: [
        ("РМ-09-01-25", "PM-09-01-25"), ("А-104", "A-104 "), ("рм 15/26", "РМ-15/26"), ("№ 7", "7"),
    ])
    func `serials that read alike are one serial`(a: String, b: String) {
        #expect(Serial.folded(a) == Serial.folded(b))
    }

    @Test(arguments: [("РМ-15", "РМ-16"), ("1-23", "12-3"), ("РМ-15/26", "РН-15/26")])
    func `other serials stay apart`(a: String, b: String) {
        #expect(Serial.folded(a) != Serial.folded(b))
    }
}
