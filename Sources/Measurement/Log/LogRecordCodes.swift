import AdModel

/// First byte of every log record.
public enum LogRecordKind: UInt8, CaseIterable, Sendable {
    case decision = 1
    case adEvent = 2
    case signal = 3
    case order = 4
    case adjustment = 5
    case link = 6
    case refused = 7
}

/// One byte per vocabulary word. The numbers are in written logs: they are added to, never changed.
protocol LogCoded: Equatable, Sendable {
    /// Position = number.
    static var logWords: [Self] { get }
    var logCode: UInt8 { get }
}

extension LogCoded {
    init(logCode: UInt8) throws(LogRecordError) {
        guard Int(logCode) < Self.logWords.count else { throw .invalidField("\(Self.self)") }
        self = Self.logWords[Int(logCode)]
    }
}

extension PageType: LogCoded {
    static let logWords: [PageType] = [
        .home, .category, .product, .search, .cart, .checkoutSuccess, .emptyCart, .article, .notFound, .other, .inStore,
    ]
    var logCode: UInt8 {
        switch self {
        case .home: 0
        case .category: 1
        case .product: 2
        case .search: 3
        case .cart: 4
        case .checkoutSuccess: 5
        case .emptyCart: 6
        case .article: 7
        case .notFound: 8
        case .other: 9
        case .inStore: 10
        }
    }
}

extension Device: LogCoded {
    static let logWords: [Device] = [.desktop, .mobile, .tablet, .app, .tv, .other]
    var logCode: UInt8 {
        switch self {
        case .desktop: 0
        case .mobile: 1
        case .tablet: 2
        case .app: 3
        case .tv: 4
        case .other: 5
        }
    }
}

extension Pricing: LogCoded {
    static let logWords: [Pricing] = [.cpm, .cpc, .fixed]
    var logCode: UInt8 {
        switch self {
        case .cpm: 0
        case .cpc: 1
        case .fixed: 2
        }
    }
}

extension SignalKind: LogCoded {
    static let logWords: [SignalKind] = [
        .pageView, .productView, .categoryView, .search, .addToCart, .removeFromCart, .addToFavourites, .order,
    ]
    var logCode: UInt8 {
        switch self {
        case .pageView: 0
        case .productView: 1
        case .categoryView: 2
        case .search: 3
        case .addToCart: 4
        case .removeFromCart: 5
        case .addToFavourites: 6
        case .order: 7
        }
    }
}

extension InvalidReason: LogCoded {
    static let logWords: [InvalidReason] = [
        .botAgent, .datacenter, .rate, .replay, .late, .forged, .prefetch, .impossibleSequence,
    ]
    var logCode: UInt8 {
        switch self {
        case .botAgent: 0
        case .datacenter: 1
        case .rate: 2
        case .replay: 3
        case .late: 4
        case .forged: 5
        case .prefetch: 6
        case .impossibleSequence: 7
        }
    }
}

extension OrderChannel: LogCoded {
    static let logWords: [OrderChannel] = [.online, .offline]
    var logCode: UInt8 {
        switch self {
        case .online: 0
        case .offline: 1
        }
    }
}

extension AdjustmentKind: LogCoded {
    static let logWords: [AdjustmentKind] = [.cancel, .return, .price]
    var logCode: UInt8 {
        switch self {
        case .cancel: 0
        case .return: 1
        case .price: 2
        }
    }
}
