import ManagementAPI
import Store
import Testing
import Yams

/// The OpenAPI document against the code: what is served is what is written, both ways.
@Suite struct DocumentTests {
    private func document() throws -> [String: Any] {
        try #require(try Yams.load(yaml: OpenAPIBundle.text()) as? [String: Any])
    }

    private func operations() throws -> [String: [String: Any]] {
        let paths = try #require(try document()["paths"] as? [String: [String: Any]])
        var operations: [String: [String: Any]] = [:]
        for (path, item) in paths {
            for (method, operation) in item {
                operations["\(method.uppercased()) \(path)"] = operation as? [String: Any]
            }
        }
        return operations
    }

    @Test func everyRouteIsDocumentedAndEveryDocumentedRouteExists() throws {
        // The listener's own two have no place in the table.
        let served = Set(ManagementRoutes.all().routes.map { "\($0.method) \($0.path)" })
            .union(["GET /v1/health", "GET /metrics"])
        let documented = Set(try operations().keys)
        #expect(served.subtracting(documented).sorted() == [], "served but not documented")
        #expect(documented.subtracting(served).sorted() == [], "documented but not served")
        #expect(served.count > 50)
    }

    @Test func theListOfProblemCodesIsClosed() throws {
        let components = try document()["components"] as? [String: Any]
        let schemas = components?["schemas"] as? [String: Any]
        let problem = schemas?["Problem"] as? [String: Any]
        let properties = problem?["properties"] as? [String: Any]
        let code = properties?["code"] as? [String: Any]
        #expect(code?["enum"] as? [String] == RefusalCode.allCases.map(\.rawValue).sorted())
    }

    @Test func everyOperationSaysWhatItIsForAndWhoMayCallIt() throws {
        for (name, operation) in try operations() {
            #expect((operation["summary"] as? String)?.isEmpty == false, "\(name) has no summary")
            #expect((operation["operationId"] as? String)?.isEmpty == false, "\(name) has no operationId")
        }
        let ids = try operations().values.compactMap { $0["operationId"] as? String }
        #expect(Set(ids).count == ids.count, "two operations have one operationId")
    }

    @Test func routesWithRolesSayThemInTheDocument() throws {
        let operations = try operations()
        for route in ManagementRoutes.all().routes {
            let name = "\(route.method) \(route.path)"
            let written = operations[name]?["x-roles"] as? [String]
            let roles = route.area == nil ? nil : route.allowed.map(\.rawValue).sorted()
            #expect(written?.sorted() == roles, "\(name)")
        }
    }
}
