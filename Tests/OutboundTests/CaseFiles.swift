import Foundation
import TestKit

/// Reads the case files of this suite.
enum CaseFiles {
    static func load<Cases: Decodable>(_ name: String, as type: Cases.Type) throws -> Cases {
        let file = Repository.root.appendingPathComponent("Tests/OutboundTests/Cases/\(name).json")
        return try JSONDecoder().decode(type, from: Data(contentsOf: file))
    }
}

/// Small generator with a printed seed, so that a failure can be repeated.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
