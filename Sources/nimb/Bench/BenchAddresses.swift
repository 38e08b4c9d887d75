/// Client addresses that the synthetic GeoIP database of the tests places in the regions of Russia: 198.18.0.0/24 is
/// the first, 198.18.1.0/24 the second, and so on.
enum BenchAddresses {
    static let all: [String] = (0..<80).flatMap { region in [7, 77, 177].map { "198.18.\(region).\($0)" } }
}
