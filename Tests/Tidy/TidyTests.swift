import Foundation
import Testing

/// Keeps the house as ARCHITECTURE.md describes it. Each check proves on a seeded violation that it can fail.
@Suite struct TidyTests {
    let root = Checkout.root
    let manifest: String

    init() throws {
        manifest = try String(contentsOf: Checkout.root.appendingPathComponent("Package.swift"), encoding: .utf8)
    }

    @Test func importsPointDown() throws {
        let graph = PackageGraph(manifest: manifest)
        #expect(graph.ring["AdModel"] == 0)
        #expect(graph.ring["nimb"] == 4)
        #expect(graph.dependencies["DeliveryAPI"]?.contains("EventLog") == true)
        #expect(graph.violations.isEmpty, "\(graph.violations)")
    }

    @Test func anUpwardDependencyIsFound() {
        let seeded = manifest.replacingOccurrences(
            of: #"ours("Attribution", ["AdModel""#, with: #"ours("Attribution", ["Store", "AdModel""#)
        #expect(seeded != manifest)
        #expect(PackageGraph(manifest: seeded).violations == ["Attribution (ring 0) depends on Store (ring 2)"])
    }

    @Test func everyImportOfOursIsDeclared() throws {
        let graph = PackageGraph(manifest: manifest)
        var undeclared: [String] = []
        for file in try Checkout.files(under: "Sources", endingIn: ".swift") {
            let target = file.path.split(separator: "/")[1]
            for module in Checkout.imports(of: file.text) where graph.ring[module] != nil && module != target {
                if graph.dependencies[String(target)]?.contains(module) != true {
                    undeclared.append("\(file.path) imports \(module)")
                }
            }
        }
        #expect(undeclared.isEmpty, "\(undeclared)")
    }

    @Test func ringZeroIsPure() throws {
        let graph = PackageGraph(manifest: manifest)
        let banned: Set<String> = [
            "Glibc", "Dispatch", "NIOCore", "NIOPosix", "NIOHTTP1", "FoundationNetworking", "Logging", "Subprocess",
        ]
        #expect(Checkout.imports(of: "import Glibc\n").contains("Glibc"))
        var impure: [String] = []
        for file in try Checkout.files(under: "Sources", endingIn: ".swift") {
            let target = String(file.path.split(separator: "/")[1])
            guard graph.ring[target] == 0 else { continue }
            for module in Checkout.imports(of: file.text) where banned.contains(module) {
                impure.append("\(file.path) imports \(module)")
            }
            for word in [
                "Date()", "Date.now", "SystemRandomNumberGenerator", "clock_gettime", ".random(in:", "FileManager",
            ]
            where file.code.contains(word) {
                impure.append("\(file.path) uses \(word)")
            }
        }
        #expect(impure.isEmpty, "\(impure)")
    }

    @Test func resourcesOnDiskAreTheOnesInTheManifest() throws {
        let migrations = try Checkout.entries(of: "Migrations").filter { $0.hasSuffix(".sql") }
        for name in migrations {
            #expect(manifest.contains(".copy(\"\(name)\")"), "Package.swift does not ship \(name)")
            #expect(name.wholeMatch(of: /\d{14}_[a-z0-9_]+\.sql/) != nil, "\(name) is not named by UTC timestamp")
        }
        for name in try Checkout.entries(of: "adformats") where !name.contains(".") && !name.hasPrefix("_") {
            #expect(manifest.contains(".copy(\"\(name)\")"), "Package.swift does not ship the format \(name)")
        }
    }

    @Test func packagesArePinnedExactly() {
        let lines = manifest.split(separator: "\n").filter { $0.contains(".package(url:") }
        #expect(lines.count > 5)
        for line in lines { #expect(line.contains("exact: "), "\(line)") }
    }

    @Test func filesFitInTheHead() throws {
        var long: [String] = []
        for folder in ["Sources", "Tests"] {
            for file in try Checkout.files(under: folder, endingIn: ".swift") {
                let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false).count
                if lines > 600 { long.append("\(file.path): \(lines) lines") }
            }
        }
        #expect(long.isEmpty, "\(long)")
    }

    @Test func nothingUnfinishedIsCommitted() throws {
        // Assembled, so that this list does not find itself.
        let words = ["TO" + "DO", "FIX" + "ME", "HA" + "CK", "fatalError" + "(\"", "try" + "! "]
        var found: [String] = []
        for folder in ["Sources", "Tests", "Migrations", "adformats"] {
            for file in try Checkout.files(under: folder, endingIn: ".swift", ".sql", ".mustache", ".js") {
                for word in words where file.text.contains(word) { found.append("\(file.path): \(word)") }
            }
        }
        #expect(found.isEmpty, "\(found)")
    }

    @Test func testsDoNotWaitByTheClock() throws {
        let words = ["Task." + "sleep", "us" + "leep(", "Thread." + "sleep", ".disabled" + "(", "@test" + "able"]
        var found: [String] = []
        for file in try Checkout.files(under: "Tests", endingIn: ".swift") where !file.path.contains("/TestKit/") {
            for word in words where file.text.contains(word) { found.append("\(file.path): \(word)") }
        }
        #expect(found.isEmpty, "\(found)")
    }

    @Test func uncheckedSendabilityStaysInTheAdapters() throws {
        let graph = PackageGraph(manifest: manifest)
        var found: [String] = []
        for file in try Checkout.files(under: "Sources", endingIn: ".swift") {
            let target = String(file.path.split(separator: "/")[1])
            guard let ring = graph.ring[target], ring != 1, file.code.contains("@unchecked " + "Sendable") else {
                continue
            }
            let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            for (index, line) in lines.enumerated() where line.contains("@unchecked " + "Sendable") {
                let comment = lines[max(0, index - 8)..<index].contains { $0.contains("//") }
                if ring == 0 || !comment { found.append("\(file.path):\(index + 1)") }
            }
        }
        #expect(found.isEmpty, "\(found)")
    }

    @Test func moneyIsNeverFloatingPoint() throws {
        let pattern = /(price|amount|budget|bid|spend|money|micros|balance|vat)[A-Za-z]*: *(Double|Float)\b/
        #expect("let price: Double".firstMatch(of: pattern) != nil)
        var found: [String] = []
        for file in try Checkout.files(under: "Sources", endingIn: ".swift")
        where file.text.firstMatch(of: pattern) != nil {
            found.append(file.path)
        }
        #expect(found.isEmpty, "\(found)")
    }

    @Test func everyCaseFileIsReadByATest() throws {
        let tests = try Checkout.files(under: "Tests", endingIn: ".swift").map(\.text).joined()
        for folder in try Checkout.entries(of: "Tests") {
            let cases = "Tests/\(folder)/Cases"
            guard FileManager.default.fileExists(atPath: root.appendingPathComponent(cases).path) else { continue }
            #expect(tests.contains("Cases"), "\(cases) is read by nobody")
            #expect(
                try Checkout.entries(of: cases).contains { $0.hasSuffix(".json") || $0.hasSuffix(".xml") },
                "\(cases) is empty")
        }
    }

    @Test func makeTestRunsEverySuite() throws {
        let script = try String(contentsOf: root.appendingPathComponent(".ci/test"), encoding: .utf8)
        let targets = manifest.matches(of: /tests\(\s*"(\w+)"/).map { String($0.1) }
        #expect(targets.count > 15)
        for target in targets { #expect(script.contains(target), "no phase of .ci/test runs \(target)") }
        // The end-to-end suites are spread over two phases and named one by one.
        for file in try Checkout.files(under: "Tests/EndToEnd", endingIn: "Tests.swift") {
            for suite in file.text.matches(of: /struct (\w+)Tests\b/).map({ String($0.1) }) {
                #expect(script.contains(suite), "no phase of .ci/test runs EndToEnd.\(suite)Tests")
            }
        }
    }
}
