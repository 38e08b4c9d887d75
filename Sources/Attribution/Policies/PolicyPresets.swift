import AdModel

extension AttributionPolicy {
    /// 14 days after a click, 1 day after a viewable view; the strongest match wins, then clicks, then the latest.
    public static let `default` = shipped(PackageResources.default_1_json)
    /// The clicked item within 24 hours.
    public static let item24h = shipped(PackageResources.item_24h_1_json)
    /// The whole receipt within 24 hours of the last click.
    public static let order24h = shipped(PackageResources.order_24h_1_json)
    /// Last click and last view of each campaign within 30 days, two numbers, gross.
    public static let smartPlacement = shipped(PackageResources.smart_placement_1_json)
    /// Exactly the clicked SKU within 14 days.
    public static let skuStrict = shipped(PackageResources.sku_strict_1_json)

    /// The policies that every installation has: the files of `Presets/`, which are part of the program.
    public static let presets: [AttributionPolicy] = [.default, .item24h, .order24h, .smartPlacement, .skuStrict]

    /// The preset of that name.
    /// - Throws: `unknown_policy`, listing what there is.
    public static func preset(_ name: String) throws(AttributionError) -> AttributionPolicy {
        guard let found = presets.first(where: { $0.name == name }) else {
            throw AttributionError(
                code: "unknown_policy",
                message: "no policy is called \(name); known: \(presets.map(\.name).joined(separator: ", "))")
        }
        return found
    }

    private static func shipped(_ file: [UInt8]) -> AttributionPolicy {
        do { return try parse(json: file) } catch {
            preconditionFailure("a preset of the program is no policy: \(error)")
        }
    }
}
