/// The OpenAPI documents: as YAML for programs, as a page for people.
enum DocumentRoutes {
    static func add(to table: inout RouteTable) {
        table.open("GET", "/openapi/management.yaml") { call in
            try call.requireNoQuery()
            return yaml(try OpenAPIBundle.text())
        }
        table.open("GET", "/openapi/delivery.yaml") { call in
            try call.requireNoQuery()
            return yaml(call.services.deliveryDocument)
        }
        table.open("GET", "/docs/management") { call in
            try call.requireNoQuery()
            return page(try DocumentPage.html(of: try OpenAPIBundle.text()))
        }
        table.open("GET", "/docs/delivery") { call in
            try call.requireNoQuery()
            return page(try DocumentPage.html(of: call.services.deliveryDocument))
        }
    }

    private static func yaml(_ text: String) -> Answer {
        Answer(status: 200, contentType: "application/yaml; charset=utf-8", body: Array(text.utf8))
    }

    private static func page(_ text: String) -> Answer {
        var answer = Answer(status: 200, contentType: "text/html; charset=utf-8", body: Array(text.utf8))
        answer.headers["content-security-policy"] = "default-src 'none'; style-src 'unsafe-inline'"
        return answer
    }
}
