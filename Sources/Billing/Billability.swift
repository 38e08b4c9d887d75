import AdModel

extension Pricing {
    /// The ledger kind under which one valid event of this pricing is charged; nil when such an event is free.
    public func chargeKind(of event: AdEventKind) -> String? {
        switch (self, event) {
        case (.cpm, .impression): "impression"
        case (.cpc, .click): "click"
        default: nil
        }
    }
}
