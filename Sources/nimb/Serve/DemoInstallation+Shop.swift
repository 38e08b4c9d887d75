import DemoShop
import Foundation
import Logging

extension DemoInstallation {
    /// The demo shop over this installation, with the keys that its set-up made.
    func shop(logger: Logger) -> DemoShop {
        let environment = DemoEnvironment(file: environmentFile)
        let shop = DemoShopOptions(
            host: options.host, port: shopPort, deliveryURL: options.publicBase, mediaURL: options.mediaBase,
            managementURL: "http://\(options.managementHost):\(options.managementPort)", storefront: "shop",
            retailerKey: environment[DemoEnvironment.key("retailer")] ?? "",
            shopKey: environment[DemoEnvironment.key("demo-shop")] ?? "",
            locations: DemoRegion.allCases.map { .init(code: $0.rawValue, name: $0.name, region: $0.region) },
            feeds: DemoSetup.feeds(below: home).path)
        return DemoShop(options: shop, logger: logger)
    }
}
