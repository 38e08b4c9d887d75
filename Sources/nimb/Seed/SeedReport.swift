/// What a seed did.
struct SeedReport {
    var created = 0
    var updated = 0
    var unchanged = 0
    /// One line per change, in order.
    var changes: [String] = []
    /// Keys that were made now, with their secret: it is told only once.
    var keys: [(id: String, kind: String, secret: String)] = []
    /// Creatives that cannot serve yet, with the reason.
    var notServable: [String] = []
}
