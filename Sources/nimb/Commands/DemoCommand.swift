import ArgumentParser
import Foundation

/// `nimb demo`: the data of the demo retailer outside of `nimb dev`.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "The demo retailer's data, for trying things out.",
        subcommands: [DemoFeedsCommand.self])
}

/// `nimb demo feeds --out FOLDER`: one YML feed per region, the same bytes every time.
struct DemoFeedsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "feeds", abstract: "Write the demo retailer's YML feeds, one file per region.")

    @Option(help: "Folder for msk.xml, spb.xml and ekb.xml; made when absent.")
    var out: String

    @Option(help: "Address of the shop's pages, for the products' pages and pictures.")
    var shop = DemoAddresses.shipped

    func run() async throws {
        let folder = URL(fileURLWithPath: out)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let catalogue = try DemoCatalogue.shipped()
        for region in DemoRegion.allCases {
            let feed = catalogue.feed(of: region, shop: shop)
            try feed.write(to: folder.appendingPathComponent("\(region.rawValue).xml"))
            let count = catalogue.products.count { $0.offers[region] != nil }
            print("\(region.rawValue).xml: \(count) offers")
        }
        print("\(catalogue.products.count) products, \(catalogue.words.leaves.count) categories of the third level")
    }
}
