import ArgumentParser
import DemoShop
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

/// `nimb shop`: the demo shop's pages over any storefront of a running installation.
struct ShopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shop", abstract: "Show a storefront of a running installation as a shop with pages.",
        discussion: """
            The shop reads the catalogue through the management API with the key of a retailer in $NIMB_KEY, and sends \
            orders to the delivery API with the storefront's own key in $NIMB_SHOP_KEY. nimb dev shows the demo \
            retailer's shop by itself; this command shows other storefronts beside it.
            """)

    @Option(help: "Code of the storefront.")
    var storefront = "shop"

    @Option(
        parsing: .upToNextOption,
        help: "Codes of the stock locations to choose from, the default one first; all unless given.")
    var location: [String] = []

    @Option(help: "Name over the door.")
    var name = "Shop"

    @Option(help: "Address to listen at.")
    var host = "127.0.0.1"

    @Option(help: "Port to listen at; the storefront's address should name it, or browsers may not ask for ads.")
    var port = 8084

    @Option(help: "Delivery listener as browsers see it.")
    var deliveryURL = "http://127.0.0.1:8080"

    @Option(help: "Management listener.")
    var managementURL = "http://127.0.0.1:8081"

    @Option(help: "Media listener as browsers see it.")
    var mediaURL = "http://127.0.0.1:8082"

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let key = environment["NIMB_KEY"], !key.isEmpty else {
            throw ValidationError("Set NIMB_KEY to the key of a retailer, who may read the catalogue.")
        }
        guard let shopKey = environment["NIMB_SHOP_KEY"], !shopKey.isEmpty else {
            throw ValidationError("Set NIMB_SHOP_KEY to the key of the storefront, which sends orders.")
        }
        try Preflight.requireFree(port: port, option: "--port")
        let logger = Logger(label: "nimb.shop")
        let shown = "http://localhost:\(port)/shop/"
        let shop = DemoShop(
            options: DemoShopOptions(
                host: host, port: port, name: name, deliveryURL: deliveryURL, mediaURL: mediaURL,
                managementURL: managementURL, storefront: storefront, retailerKey: key, shopKey: shopKey,
                locations: location.map { .init(code: $0, name: $0) }),
            logger: logger, onRunning: { _ in Console.say("\(shown) is open; Ctrl-C closes it.") })
        try await ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: shop)], gracefulShutdownSignals: [.sigint, .sigterm], logger: logger)
        ).run()
    }
}
