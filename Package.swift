// swift-tools-version: 6.2
import PackageDescription

// Nimb: one package, one executable. The rings of ARCHITECTURE.md are spelled out below; a target
// may depend only on targets of a lower ring (Tests/Tidy derives the graph from this file).

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func ours(
    _ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil, resources: [Resource]? = nil
) -> Target {
    .target(name: name, dependencies: dependencies, path: path, resources: resources, swiftSettings: strict)
}

/// Cases are data files in `Cases/`, read from the source tree: one rule each, named by behaviour.
func tests(_ name: String, _ dependencies: [Target.Dependency] = [], cases: Bool = false, exclude: [String] = [])
    -> Target
{
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(name)", exclude: cases ? ["Cases"] : exclude,
        swiftSettings: strict)
}

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let collections: Target.Dependency = .product(name: "Collections", package: "swift-collections")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let mustache: Target.Dependency = .product(name: "Mustache", package: "swift-mustache")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

// Attribution policies become part of the program, so that reading them is no IO.
let policyPresets: [Resource] = [
    .embedInCode("Presets/default@1.json"), .embedInCode("Presets/item-24h@1.json"),
    .embedInCode("Presets/order-24h@1.json"), .embedInCode("Presets/smart-placement@1.json"),
    .embedInCode("Presets/sku-strict@1.json"),
]

// The same for the papers of finance.
let documentTemplates: [Resource] = [
    .embedInCode("Templates/document.css"), .embedInCode("Templates/act.mustache"),
    .embedInCode("Templates/invoice.mustache"), .embedInCode("Templates/statement.mustache"),
    .embedInCode("Templates/reconciliation.mustache"),
]

// What the operator accepts, for the stub of him.
let operatorSchemas: [Resource] = [
    .embedInCode("Schemas/person.json"), .embedInCode("Schemas/contract.json"), .embedInCode("Schemas/pad.json"),
    .embedInCode("Schemas/cid.json"), .embedInCode("Schemas/creative.json"), .embedInCode("Schemas/invoice.json"),
    .embedInCode("Schemas/statistics.json"), .embedInCode("Schemas/statistics_delete.json"),
]

// MARK: Ring 0, pure: no IO, clock, randomness or NIO; time, seed and snapshot are arguments.
let ring0: [Target] = [
    // An instruction that Swift has no name for, in a header.
    .target(name: "CPrefetch"),
    ours("AdModel", ["CPrefetch"]),
    ours("Measurement", ["AdModel", crypto]),
    ours("Profiles", ["AdModel", "CPrefetch"]),
    // Groups of shoppers by what they did: conditions, and the facts that they are evaluated on.
    ours("Audiences", ["AdModel"]),
    // A seeded shop with a known truth: shoppers, tastes, returns, bots, and the true effect of ads.
    ours("Simulator", ["AdModel"]),
    // What a shelf shows: tables of what goes with what, computed from orders and views.
    ours("Shelves", ["AdModel"]),
    // Click-through rates: hashed features, an online trainer, its figures.
    ours("ClickModel", ["AdModel"]),
    ours("Decisioning", ["AdModel", "CPrefetch", "Profiles", "Measurement", "ClickModel", "Shelves"]),
    ours("Attribution", ["AdModel"], resources: policyPresets),
    ours("Billing", ["AdModel"]),
    ours("Reporting", ["AdModel"]),
    ours("AdFormats", ["AdModel", mustache]),
    ours("ORD", ["AdModel", "Reporting", crypto]),
    // Papers that people read and sign: acts, invoices, reconciliations.
    ours("FinanceDocuments", ["AdModel", "ORD", mustache], resources: documentTemplates),
]

// MARK: Ring 1, adapters: one C library or resource folder each, no domain rules.
let ring1: [Target] = [
    .systemLibrary(
        name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(
        name: "CMaxMindDB", pkgConfig: "libmaxminddb", providers: [.apt(["libmaxminddb-dev"])]),
    .systemLibrary(
        name: "CLibZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
    .systemLibrary(
        name: "CVips", pkgConfig: "gobject-2.0", providers: [.apt(["libvips-dev"])]),
    .systemLibrary(
        name: "CXLSXWriter", pkgConfig: "xlsxwriter", providers: [.apt(["libxlsxwriter-dev"])]),
    .systemLibrary(
        name: "CLibCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CStemmer", providers: [.apt(["libstemmer-dev"])]),
    // The one C source of the package: another such instruction.
    .target(name: "CChecksum"),
    ours("Postgres", ["CLibPQ"]),
    ours("GeoIP", ["CMaxMindDB"]),
    ours("Archive", ["CLibZip"]),
    ours("Imaging", ["CVips"]),
    ours("Inflate", ["CZlib"]),
    ours("Stemmer", ["CStemmer"]),
    ours("Spreadsheet", ["CXLSXWriter"]),
    ours("CMS", ["CLibCrypto"]),
    .target(
        name: "MigrationFiles", path: "Migrations",
        resources: [
            // Every file of Migrations/ is named here; the tidy test compares the two.
            .copy("20261121120000_selling_side.sql"),
            .copy("20261121121000_events_and_money.sql"),
            .copy("20261122000000_tenancy.sql"),
            .copy("20261122010000_identity.sql"),
            .copy("20261122020000_feeds.sql"),
            .copy("20261122030000_campaigns.sql"),
            .copy("20261122040000_creatives.sql"),
            .copy("20261122050000_wallet_and_notices.sql"),
            .copy("20261122060000_serving.sql"),
            .copy("20261122070000_attribution.sql"),
            .copy("20261122080000_incrementality.sql"),
            .copy("20261122100000_month_close.sql"),
            .copy("20261122110000_operators.sql"),
            .copy("20261122140000_audiences.sql"),
            .copy("20261122150000_click_model.sql"),
            .copy("20261122160000_shelves.sql"),
            .copy("20261122170000_decisions.sql"),
            .copy("20261122180000_finance_details.sql"),
            .copy("20261122190000_page_rules.sql"),
        ],
        swiftSettings: strict),
    .target(
        name: "AdFormatFiles", path: "adformats",
        resources: [
            // Every folder of adformats/ is named here; the tidy test compares the two.
            .copy("_tag"), .copy("banner"), .copy("brand-shelf"), .copy("product-shelf"), .copy("sponsored-product"),
            .copy("text"),
        ],
        swiftSettings: strict),
    .target(name: "AdminFiles", path: "admin", resources: [.copy("cabinet")], swiftSettings: strict),
]

// MARK: Ring 2: storage, log, telemetry, processes. No HTTP server.
let ring2: [Target] = [
    ours(
        "Store",
        [
            "AdModel", "Audiences", "ClickModel", "Postgres", "MigrationFiles", "Decisioning", "Profiles",
            "Measurement",
            "Attribution", "Billing", "Reporting", "ORD", "AdFormats", "Shelves", "Stemmer", crypto, cryptoExtras,
            logging,
        ]),
    ours("EventLog", ["AdModel", "Measurement", "CChecksum"]),
    ours("Telemetry", [logging]),
    ours("PrivatePostgres", [logging]),
    // A closed month as files: whatever needs libraries and programs beside the pure rules.
    ours("FinanceExports", ["AdModel", "ORD", "FinanceDocuments", "Archive", "Spreadsheet", "CMS"]),
    // The one HTTP client for foreign addresses: feeds, webhooks, operators.
    ours("Outbound", ["Inflate", httpClient, nioCore, nioPosix, nioHTTP1, logging]),
]

// MARK: Ring 3: the parts that serve, ship and import. They never import each other.
let ring3: [Target] = [
    ours(
        "DeliveryAPI",
        [
            "AdModel", "Audiences", "Billing", "Decisioning", "Profiles", "Measurement", "AdFormats", "Shelves",
            "Store",
            "EventLog", "Postgres", "Telemetry", "GeoIP", "Inflate", "Stemmer", nioCore, nioPosix, nioHTTP1, crypto,
            logging, lifecycle,
        ]),
    ours(
        "ManagementAPI",
        [
            "AdModel", "AdminFiles", "Archive", "Audiences", "CMS", "FinanceDocuments", "FinanceExports", "Reporting",
            "Spreadsheet",
            "Store", "Postgres", "AdFormats",
            "Attribution", "Measurement", "ORD", "Telemetry",
            "Imaging", "Outbound", "Billing", "Decisioning", "Shelves", hummingbird, hummingbirdCore, nioCore, crypto,
            yams,
            logging,
            lifecycle,
        ], resources: [.copy("OpenAPI")]),
    ours(
        "Pipeline",
        [
            "AdModel", "Measurement", "Attribution", "Billing", "Reporting", "Store", "EventLog",
            "Telemetry", "Postgres", logging, lifecycle,
        ]),
    ours("CatalogImport", ["AdModel", "Store", "Postgres", logging]),
    // Work that goes on by itself: scheduled feeds, notices, registration of creatives, housekeeping.
    ours(
        "Jobs",
        [
            "AdModel", "Store", "Postgres", "Outbound", "AdFormats", "Reporting", "Telemetry", crypto, nioCore, logging,
            lifecycle,
        ]),
    // The operator of advertising data: registration of creatives, and a stub of it for development and tests.
    ours(
        "ORDGateway",
        [
            "AdModel", "ORD", "Store", "Postgres", "Outbound", hummingbird, hummingbirdCore, nioCore, crypto, logging,
            lifecycle,
        ], resources: operatorSchemas),
    // The demo storefront: pages that use the public APIs and the tag, as any shop would.
    ours(
        "DemoShop",
        ["AdModel", "Outbound", mustache, hummingbird, hummingbirdCore, httpClient, nioCore, logging, lifecycle],
        resources: [.copy("Pages")]),
]

// MARK: Ring 4: the composition root.
let ring4: [Target] = [
    .executableTarget(
        name: "nimb",
        dependencies: [
            "AdModel", "DeliveryAPI", "ManagementAPI", "Pipeline", "CatalogImport", "Jobs", "ORDGateway", "Outbound",
            "DemoShop", "FinanceDocuments", "FinanceExports", "Simulator", "Spreadsheet", "CMS",
            "Imaging", "Store", "EventLog",
            "Telemetry", "PrivatePostgres", "Postgres", "GeoIP", "Archive", "Attribution", "ORD",
            "AdFormats", "AdFormatFiles", "Reporting", "Measurement", "Decisioning", "ClickModel", "Profiles",
            "Audiences",
            "Billing", "Shelves", arguments, logging, lifecycle, signals, yams, crypto, histogram, nioCore, nioPosix,
            nioHTTP1,
        ],
        resources: [.copy("Data"), .copy("OpenAPI")],
        swiftSettings: strict)
]

let testTargets: [Target] = [
    .target(
        name: "TestKit",
        dependencies: ["AdModel", "Postgres", "PrivatePostgres", "Store", nioCore, nioPosix, nioHTTP1],
        path: "Tests/TestKit", swiftSettings: strict),
    tests("Tidy"),
    tests("AdModelTests", ["AdModel"]),
    tests("MeasurementTests", ["Measurement", "AdModel"], cases: true),
    tests("ProfilesTests", ["Profiles", "AdModel"]),
    tests("AudiencesTests", ["Audiences", "AdModel"], cases: true),
    tests("SimulatorTests", ["Simulator", "AdModel"]),
    tests("SpreadsheetTests", ["Spreadsheet", "Archive"]),
    tests("CMSTests", ["CMS"]),
    tests(
        "FinanceExportsTests",
        ["FinanceExports", "FinanceDocuments", "ORD", "AdModel", "Archive", "CMS", "Spreadsheet"]),
    tests("DemoShopTests", ["DemoShop", "Outbound", "TestKit", logging]),
    tests("ShelvesTests", ["Shelves", "AdModel"]),
    tests("ClickModelTests", ["ClickModel", "AdModel"]),
    tests(
        "DecisioningTests", ["Decisioning", "ClickModel", "Profiles", "Measurement", "Shelves", "Stemmer", "AdModel"],
        cases: true),
    tests("AttributionTests", ["Attribution", "AdModel", "Postgres", "TestKit"], cases: true),
    tests("BillingTests", ["Billing", "AdModel"]),
    tests("ReportingTests", ["Reporting", "Decisioning", "AdModel"]),
    tests("AdFormatsTests", ["AdFormats", "AdFormatFiles", "AdModel"]),
    tests("ORDTests", ["ORD", "AdModel"], cases: true),
    tests("PostgresTests", ["Postgres", "PrivatePostgres", "TestKit"]),
    tests("GeoIPTests", ["GeoIP"], exclude: ["Data"]),
    tests("StemmerTests", ["Stemmer"]),
    tests("ArchiveTests", ["Archive"]),
    tests("ImagingTests", ["Imaging"]),
    tests("EventLogTests", ["EventLog", "Measurement", "AdModel"]),
    tests(
        "StoreTests",
        [
            "Store", "Postgres", "AdModel", "Audiences", "ClickModel", "AdFormats", "ORD", "Archive", "Decisioning",
            "Profiles", "Shelves", "Measurement", "Billing", "TestKit",
        ]),
    tests(
        "DeliveryAPITests",
        [
            "DeliveryAPI", "Audiences", "Decisioning", "Profiles", "Shelves", "Measurement", "EventLog", "AdFormats",
            "AdModel",
            "Store", "Stemmer", "Telemetry", "Postgres", "TestKit", logging, lifecycle, nioCore, nioHTTP1,
            .product(name: "NIOEmbedded", package: "swift-nio"),
        ]),
    tests(
        "ManagementAPITests",
        [
            "ManagementAPI", "Store", "Outbound", "Postgres", "AdModel", "AdFormats", "AdFormatFiles", "Decisioning",
            "Shelves",
            "ORD", "Measurement", "TestKit", yams, crypto, logging,
        ], cases: true),
    tests(
        "PipelineTests",
        [
            "Pipeline", "EventLog", "Measurement", "Attribution", "Billing", "Reporting", "Store", "Postgres",
            "AdModel", "TestKit", logging,
        ]),
    tests("OutboundTests", ["Outbound", "Inflate", "CZlib", "TestKit", nioCore, nioPosix, nioHTTP1], cases: true),
    tests(
        "JobsTests",
        [
            "Jobs", "Outbound", "CatalogImport", "Store", "Postgres", "AdModel", "Telemetry", "TestKit", logging,
            nioCore, nioPosix, nioHTTP1,
        ]),
    tests("ORDGatewayTests", ["ORDGateway", "ORD", "Outbound", "Store", "Postgres", "AdModel", "TestKit", logging]),
    tests("CatalogImportTests", ["CatalogImport", "Store", "Postgres", "AdModel", "TestKit"], cases: true),
    tests(
        "EndToEnd",
        [
            "TestKit", "ManagementAPI", "ORDGateway", "ORD", "Store", "AdModel", "Postgres", "Measurement", yams,
            logging,
        ],
        exclude: ["Fixtures", "schemathesis.toml"]),
    tests("Browser", ["TestKit", "AdModel", nioCore, nioPosix, nioHTTP1], exclude: ["Fixtures", "Screenshots"]),
]

// `NIMB_TESTS=DecisioningTests,StoreTests swift test` compiles those suites alone; unset, everything.
let chosen = Context.environment["NIMB_TESTS"].map { Set($0.split(separator: ",").map(String.init)) }
let chosenTests = testTargets.filter { $0.type != .test || chosen?.contains($0.name) ?? true }

let package = Package(
    name: "nimb",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "nimb", targets: ["nimb"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", exact: "0.2.0"),
    ],
    targets: ring0 + ring1 + ring2 + ring3 + ring4 + chosenTests
)
