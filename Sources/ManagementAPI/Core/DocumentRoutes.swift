/// The OpenAPI documents, for programs.
enum DocumentRoutes {
    static func add(to table: inout RouteTable) {
        table.open("GET", "/openapi/management.yaml") { call in
            try call.requireNoQuery()
            return Answer(
                status: 200, contentType: "application/yaml; charset=utf-8", body: Array(try OpenAPIBundle.text().utf8))
        }
        table.open("GET", "/openapi/delivery.yaml") { call in
            try call.requireNoQuery()
            return Answer(
                status: 200, contentType: "application/yaml; charset=utf-8",
                body: Array(call.services.deliveryDocument.utf8))
        }
    }
}
