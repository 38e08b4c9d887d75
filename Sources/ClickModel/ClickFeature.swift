import AdModel

/// The hashed features of a click prediction: each template takes one value of the context, so that every example has
/// the same number of features, each of value 1.
public enum ClickFeature: UInt8, CaseIterable, Sendable {
    case bias, placement, format, creative, position, category, brand, device, hour, price, isKnown
    case placementFormat, deviceFormat

    /// Bits of an index: weights live in a table of 2^20 places.
    public static let bits = 20
    public static let count = 13

    /// Most that the weight of a template may be, either way. Interests are what differs between the candidates of one
    /// slot and cannot be known when the index is built: their bounds keep its upper bounds tight.
    public var limit: Double {
        switch self {
        case .category: 0.35
        case .brand: 0.2
        default: 12
        }
    }

    /// Place of a value of this template.
    public func index(_ value: UInt64) -> UInt32 {
        var z = value &+ (UInt64(rawValue) &+ 1) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return UInt32(truncatingIfNeeded: (z ^ (z >> 31)) >> UInt64(64 - Self.bits))
    }

    /// A number for a format's name (FNV-1a): names last, numbers of a snapshot do not.
    public static func hash(_ name: String) -> UInt32 {
        name.utf8.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    }

    /// What this template takes of a context.
    public func value(_ context: ClickContext) -> UInt64 {
        func id(_ value: Int32) -> UInt64 { UInt64(UInt32(bitPattern: value)) }
        return switch self {
        case .bias: 0
        case .placement: id(context.placementID)
        case .format: UInt64(context.format)
        case .creative: id(context.creativeVersionID)
        case .position: UInt64(context.position)
        case .category: UInt64(context.category)
        case .brand: UInt64(context.brand)
        case .device: Self.number(context.device)
        case .hour: UInt64(context.hour)
        case .price: UInt64(context.price)
        case .isKnown: context.isKnown ? 1 : 0
        case .placementFormat: id(context.placementID) << 32 | UInt64(context.format)
        case .deviceFormat: Self.number(context.device) << 32 | UInt64(context.format)
        }
    }

    /// The numbers are in stored models: they are added to, never changed.
    public static func number(_ device: Device) -> UInt64 {
        switch device {
        case .desktop: 0
        case .mobile: 1
        case .tablet: 2
        case .app: 3
        case .tv: 4
        case .other: 5
        }
    }

    /// Places of all features of a context, in the order of the templates.
    public static func indices(_ context: ClickContext) -> InlineArray<13, UInt32> {
        var indices = InlineArray<13, UInt32>(repeating: 0)
        for feature in allCases { indices[Int(feature.rawValue)] = feature.index(feature.value(context)) }
        return indices
    }
}
