extension Snapshot {
    /// Database ids of a category (by index) and of all above it; empty for none.
    public func categoryPath(_ category: Int32) -> [Int32] {
        var path: [Int32] = []
        var at = category
        for _ in 0..<Snapshot.categoryDepth where at >= 0 && Int(at) < categoryParents.count {
            path.append(categoryIDs[Int(at)])
            at = categoryParents[Int(at)]
        }
        return path
    }

    /// Database ids of all categories of a product (by index), with those above them.
    public func categoryPaths(ofProduct product: Int32) -> [Int32] {
        let found = products[Int(product)]
        return (found.firstCategory..<(found.firstCategory + found.categoryCount)).flatMap {
            categoryPath(productCategories[Int($0)])
        }
    }
}
