/// Limits that callers meet, in one place; `ARCHITECTURE.md` lists them with the answer given when one is passed.
public enum Limits {
    /// Body of any delivery request, bytes.
    public static let requestBody = 1_048_576
    /// Body of `POST /v1/placements`, bytes.
    public static let placementsBody = 16_384
    /// Slots in one placements call.
    public static let slots = 16
    /// Ads in one slot, and cards in one shelf.
    public static let adsPerSlot = 16
    /// Products, categories or brands named by a page.
    public static let pageReferences = 64
    /// Events in one batch.
    public static let eventBatch = 500
    /// Lines in one order.
    public static let orderLines = 500
    /// Stock deltas in one call.
    public static let stockBatch = 10_000
    /// Bytes of an SKU.
    public static let sku = 128
    /// Values of the shop's own keys that a page may have.
    public static let pageKeys = 16
    /// Bytes of a page's search phrase that are read; what follows is cut off.
    public static let phraseBytes = 1_024
    /// Characters of a search phrase that are kept.
    public static let phrase = 100
}
