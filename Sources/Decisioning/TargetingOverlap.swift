import AdModel

extension Targeting {
    /// True when it can be proved that no request satisfies both. A request has one page type, one device, one region
    /// (with its country), one location and one kind of shopper, and a slot one placement; categories, brands, products, audiences and
    /// values of a key may be several, so that different ones prove nothing. Neither do phrases: words have forms.
    public func excludes(_ other: Targeting) -> Bool {
        Self.disjoint(wanted.pageTypes, other.wanted.pageTypes)
            || Self.disjoint(wanted.placements, other.wanted.placements)
            || Self.disjoint(wanted.devices, other.wanted.devices)
            || Self.disjointRegions(wanted.regions, other.wanted.regions)
            || Self.disjoint(wanted.locations, other.wanted.locations)
            || Self.disjoint(wanted.shoppers, other.wanted.shoppers)
            || Self.disjoint(wanted.signedIn.map { [$0] } ?? [], other.wanted.signedIn.map { [$0] } ?? [])
            || refuses(other.wanted) || other.refuses(wanted)
    }

    private static func disjoint<Value: Equatable>(_ a: [Value], _ b: [Value]) -> Bool {
        !a.isEmpty && !b.isEmpty && !a.contains { b.contains($0) }
    }

    private static func disjointRegions(_ a: [String], _ b: [String]) -> Bool {
        !a.isEmpty && !b.isEmpty && !a.contains { one in b.contains { covers(one, $0) || covers($0, one) } }
    }

    /// A country covers its subdivisions.
    private static func covers(_ outer: String, _ inner: String) -> Bool {
        outer == inner || inner.hasPrefix(outer + "-")
    }

    /// True when everything that the other side wants of one dimension is excluded here.
    private func refuses(_ values: TargetingValues) -> Bool {
        func all<Value: Equatable>(_ wanted: [Value], in excluded: [Value]) -> Bool {
            !wanted.isEmpty && wanted.allSatisfy { excluded.contains($0) }
        }
        return all(values.pageTypes, in: excluded.pageTypes) || all(values.placements, in: excluded.placements)
            || all(values.devices, in: excluded.devices) || all(values.products, in: excluded.products)
            || all(values.audiences, in: excluded.audiences) || all(values.locations, in: excluded.locations)
            || all(values.shoppers, in: excluded.shoppers)
            || values.signedIn != nil && values.signedIn == excluded.signedIn
            || values.keys.contains { key, words in all(words, in: excluded.keys[key] ?? []) }
            || !values.regions.isEmpty
                && values.regions.allSatisfy { region in excluded.regions.contains { Self.covers($0, region) } }
    }
}
