import Synchronization

/// The catalogue as it was last read, and the answers to the last searches in it.
final class CatalogueHolder: Sendable {
    /// Phrases whose results are kept between two readings.
    static let phraseLimit = 256

    private struct State {
        var catalogue: ShopCatalogue?
        var found: [String: [String]] = [:]
    }

    private let state = Mutex(State())

    var catalogue: ShopCatalogue? { state.withLock { $0.catalogue } }

    func replace(_ catalogue: ShopCatalogue) {
        state.withLock {
            $0.catalogue = catalogue
            $0.found.removeAll(keepingCapacity: true)
        }
    }

    func found(_ phrase: String) -> [String]? { state.withLock { $0.found[phrase] } }

    func keep(_ skus: [String], for phrase: String) {
        state.withLock {
            if $0.found.count >= Self.phraseLimit { $0.found.removeAll(keepingCapacity: true) }
            $0.found[phrase] = skus
        }
    }
}
