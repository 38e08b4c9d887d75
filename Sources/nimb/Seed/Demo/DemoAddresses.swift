/// Where the demo shop's pages are.
enum DemoAddresses {
    /// The address that the files of the demo are written with.
    static let shipped = "http://localhost:8083/shop"

    static func shop(port: Int) -> String { "http://localhost:\(port)/shop" }
}
