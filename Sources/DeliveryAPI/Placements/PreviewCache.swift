import AdModel
import Store
import Synchronization

/// Creatives that previews have asked for lately. Small on purpose: a preview is one person looking at one page.
final class PreviewCache: Sendable {
    /// Creatives kept; when full, all are forgotten.
    static let capacity = 256
    /// A draft may change at any time.
    static let keptFor = Timestamp.Span.seconds(5)
    /// Questions to the database at one time; beyond it a preview shows nothing.
    static let askingLimit = 8

    private struct Entry {
        var at: Timestamp
        /// nil = there is no such creative, or the database could not say.
        var creative: PreviewCreative?
    }

    private struct State {
        var entries: [Int32: Entry] = [:]
        var asking = 0
    }

    enum Found {
        case known(PreviewCreative?)
        /// Nobody has asked: the caller may, and then has to say what came of it.
        case unknown
        case busy
    }

    private let state = Mutex(State())

    /// What is known of a creative version. After `.unknown` the caller owes a `put`.
    func find(_ versionID: Int32, now: Timestamp) -> Found {
        state.withLock { state in
            if let entry = state.entries[versionID], now - entry.at < Self.keptFor, entry.at <= now {
                return .known(entry.creative)
            }
            guard state.asking < Self.askingLimit else { return .busy }
            state.asking += 1
            return .unknown
        }
    }

    func put(_ creative: PreviewCreative?, versionID: Int32, now: Timestamp) {
        state.withLock { state in
            state.asking -= 1
            if state.entries.count >= Self.capacity { state.entries = [:] }
            state.entries[versionID] = Entry(at: now, creative: creative)
        }
    }

    /// Only what is known already, whatever its age: for a click on a preview.
    func landing(_ versionID: Int32) -> PreviewCreative? {
        state.withLock { $0.entries[versionID]?.creative }
    }
}
