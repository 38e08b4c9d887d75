import AdModel
import Attribution
import Testing

@Suite struct CaseTests {
    @Test("every rule and worked example of attribution.md has its case and holds")
    func cases() throws {
        let files = try CaseFile.all()
        let covered = Set(files.map(\.file.rule))
        for rule in (1...22).map(String.init) + ["5a", "5b"] + (1...12).map({ "W\($0)" }) {
            #expect(covered.contains(rule), "rule \(rule) has no case")
        }
        for (name, file) in files {
            #expect(!file.examples.isEmpty, "\(name)")
            for example in file.examples {
                do { try check(example, "\(name): \(example.name)") } catch {
                    Issue.record("\(name): \(example.name): \(error)")
                }
            }
        }
    }

    private func check(_ example: CaseFile.Example, _ label: String) throws {
        if let posting = example.posting { return try check(posting, label) }
        if example.steps != nil { return try checkSteps(example, label) }
        if let refused = example.refused { return try check(refused, example, label) }
        let policy = try example.policyValue()
        let world = try example.world()
        let output = try example.worldFiles(style: .plain).run(policy)
        if example.files == nil {
            // The same rows in every other way that they can come.
            var random = SplitMix64(7)
            let shuffled = world.shuffled(&random)
            #expect(try WorldFiles(shuffled, style: .baroque).run(policy, chunk: 50, parts: 2) == output, "\(label)")
            if !world.touches.contains(where: { $0.view != nil || $0.isInvalid }) {
                #expect(try world.rowsOutput(policy) == output, "\(label): rows")
                #expect(SlowReference(world: world, policy: policy).output() == output, "\(label): reference")
            }
        }
        if let bytes = example.bytes {
            #expect(text(output) == CreditCSV.header + bytes.map { $0 + "\n" }.joined(), "\(label)")
        }
        let decisions = try AttributionEngine.decide(
            world.input, reference: try world.reference(), policy: policy, explain: true)
        if let expect = example.expect {
            if example.files == nil {
                let rows = decisions.flatMap(\.credits)
                #expect(rows.map { summary($0, several: decisions.count > 1) } == expect, "\(label)")
            } else {
                #expect(fileSummaries(output) == expect, "\(label)")
            }
        }
        if let losers = example.losers {
            let found = decisions.flatMap(\.losers).map { ($0.touchID.text, $0.reason.rawValue) }
            #expect(Dictionary(found) { a, _ in a } == losers, "\(label)")
        }
    }

    private func check(_ refused: CaseFile.Refusal, _ example: CaseFile.Example, _ label: String) throws {
        let policy = try example.policyValue()
        let files = try example.worldFiles(style: .plain)
        for (chunk, parts) in [(1 << 20, 1), (40, 2)] {
            do {
                let output = try files.run(policy, chunk: chunk, parts: parts)
                Issue.record("\(label): not refused: \(text(output))")
            } catch let error as AttributionError {
                #expect(error.code == refused.code, "\(label): \(error)")
                if let table = refused.table { #expect(error.table?.rawValue == table, "\(label): \(error)") }
                if let lines = refused.lines, let table = error.table {
                    let at = error.position.map { lineNumber(files, table, $0) }
                    let other = error.otherPosition.map { lineNumber(files, error.otherTable ?? table, $0) }
                    // Which of the two comes first depends on the parts; both are named.
                    #expect(Set([at, other].compactMap { $0 }) == Set(lines), "\(label): \(error)")
                }
            }
        }
    }

    private func lineNumber(_ files: WorldFiles, _ table: AttributionTable, _ offset: Int) -> Int {
        CSVBytes(files.texts[table] ?? []).lineNumber(at: offset)
    }

    private func check(_ posting: CaseFile.Posting, _ label: String) throws {
        let cause = try #require(Day(posting.cause))
        let recorded = try #require(Day(posting.recorded))
        let published = posting.published.compactMap { Day($0 + "-01") }
        let month = PostingMonth.first(cause: cause, recorded: recorded) { published.contains($0) }
        #expect(month.description == posting.month + "-01", "\(label)")
    }

    private func checkSteps(_ example: CaseFile.Example, _ label: String) throws {
        let policy = try example.policyValue()
        var world = try example.world()
        let reference = try world.reference()
        if example.touches == nil { world.touches = [] }
        var ledger: [CreditRow] = []
        for (i, step) in (example.steps ?? []).enumerated() {
            world.touches += try (step.touches ?? []).map(CaseRows.touch)
            world.links += try (step.links ?? []).map(CaseRows.link)
            world.adjustments += try (step.adjustments ?? []).map(CaseRows.adjustment)
            for id in step.invalid ?? [] {
                for at in world.touches.indices where world.touches[at].touchID.text == id {
                    world.touches[at].isInvalid = true
                }
            }
            let now = try AttributionEngine.credits(world.input, reference: reference, policy: policy)
            let new = LedgerDifference.rows(history: ledger, recomputed: now, cause: .rerun("step \(i)"))
            #expect(new.map { summary($0, several: false) } == step.appended, "\(label), step \(i + 1)")
            ledger += new
            #expect(NetPosition(ledger) == NetPosition(now), "\(label), step \(i + 1)")
            #expect(NetPosition(ledger).csv == NetPosition(now).csv, "\(label), step \(i + 1)")
        }
    }

    private func summary(_ row: CreditRow, several: Bool) -> String {
        "\(several ? "\(row.lineNumber): " : "")\(row.touchID.text) \(row.interaction.rawValue) \(row.level.rawValue) "
            + "\(row.kind.rawValue) \(row.units) \(row.amountMicros)"
    }

    private func fileSummaries(_ output: [UInt8]) -> [String] {
        text(output).split(separator: "\n").dropFirst().map { line in
            let cells = line.split(separator: ",", omittingEmptySubsequences: false)
            return cells[6...].joined(separator: " ")
        }
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
