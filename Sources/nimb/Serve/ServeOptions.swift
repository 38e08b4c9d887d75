import ArgumentParser

/// Everything an operator chooses for a serving node.
struct ServeOptions: ParsableArguments {
    @Option(help: "Address that the delivery and media listeners bind to.")
    var host = "127.0.0.1"

    @Option(help: "Port of the delivery listener, the one shops call.")
    var port = 8080

    @Option(help: "Address of the management listener; keep it off the public network.")
    var managementHost = "127.0.0.1"

    @Option(help: "Port of the management listener: reports, health, metrics.")
    var managementPort = 8081

    @Option(
        help: "Address of the management pages as browsers see it, for links in mail; a page of it may change things.")
    var managementURL: String?

    @Option(help: "Port of the media listener: pictures of creatives, on an origin of their own.")
    var mediaPort = 8082

    @Option(help: "Address of the delivery listener as browsers see it; tracking and click addresses start with it.")
    var publicURL: String?

    @Option(help: "Address of the media listener as browsers see it.")
    var mediaURL: String?

    @Option(help: "GeoIP database (.mmdb, City schema); without one only declared regions count.")
    var geoip: String?

    @Option(help: "Folder with more ad formats, one sub-folder each, beside those that ship with nimb.")
    var adformats: String?

    @Option(
        parsing: .upToNextOption,
        help: "Networks (CIDR) of proxies whose X-Forwarded-For is believed; from others it is ignored.")
    var trustedProxies: [String] = []

    @Option(parsing: .upToNextOption, help: "Origins that may call from pages, beside the storefronts' own.")
    var corsOrigins: [String] = []

    @Option(help: "List of bot user agents in place of the one that ships with nimb.")
    var botAgents: String?

    @Option(help: "Most shopper profiles in memory; the longest unused leave first. About 1 KB each.")
    var profiles = 1_000_000

    @Option(help: "Event loops; 0 is one per core.")
    var loops = 0

    @Option(help: "Requests a minute that the management listener takes from one user or key.")
    var requestsPerMinute = 3_000

    @Option(help: "Requests a minute without identity that the management listener takes from one network.")
    var anonymousRequestsPerMinute = 600

    @OptionGroup var outbound: OutboundOptions

    func validate() throws {
        for (name, value) in [("--port", port), ("--management-port", managementPort), ("--media-port", mediaPort)]
        where !(1...65_535).contains(value) {
            throw ValidationError("\(name) must be 1 to 65535.")
        }
        guard Set([port, managementPort, mediaPort]).count == 3 else {
            throw ValidationError("The three listeners need three different ports.")
        }
        guard (1_000...50_000_000).contains(profiles) else {
            throw ValidationError("--profiles must be 1000 to 50000000.")
        }
        guard requestsPerMinute > 0, anonymousRequestsPerMinute > 0 else {
            throw ValidationError("At least one request a minute must be allowed.")
        }
    }

    var publicBase: String { trimmed(publicURL ?? "http://\(shown(host)):\(port)") }
    var managementBase: String { trimmed(managementURL ?? "http://\(shown(managementHost)):\(managementPort)") }
    var mediaBase: String { trimmed(mediaURL ?? "http://\(shown(host)):\(mediaPort)") }

    private func shown(_ host: String) -> String { host == "0.0.0.0" ? "localhost" : host }
    private func trimmed(_ url: String) -> String { url.hasSuffix("/") ? String(url.dropLast()) : url }

    /// One sentence when another program has one of the ports.
    func requireFreePorts() throws {
        try Preflight.requireFree(port: port, option: "--port")
        try Preflight.requireFree(port: managementPort, option: "--management-port")
        try Preflight.requireFree(port: mediaPort, option: "--media-port")
    }
}
