import AdModel
import Decisioning
import Profiles

/// Makes a world and a page on which two evaluators disagree as small as they can be while they still disagree.
enum Shrinker {
    typealias Case = (world: World, page: Page)

    static func shrink(_ world: World, _ page: Page) -> Case {
        shrink(world, page) { world, page in
            guard let engine = try? Engine(world) else { return false }
            return NaiveEvaluator(world).decide(page) != engine.decide(page)
        }
    }

    /// - Parameter fails: true of the case given.
    static func shrink(_ world: World, _ page: Page, while fails: (World, Page) -> Bool) -> Case {
        var best: Case = (world, page)
        func attempt(_ change: (inout Case) -> Void) -> Bool {
            var smaller = best
            change(&smaller)
            guard fails(smaller.world, smaller.page) else { return false }
            best = smaller
            return true
        }
        /// Leaves out what can be left out, one at a time.
        func thin<List: RangeReplaceableCollection & RandomAccessCollection>(_ list: WritableKeyPath<Case, List>)
        where List.Index == Int {
            var index = 0
            while index < best[keyPath: list].count {
                if !attempt({ $0[keyPath: list].remove(at: index) }) { index += 1 }
            }
        }
        thin(\.page.slots)
        thin(\.world.input.lineItems)
        thin(\.world.stock)
        for index in best.world.input.lineItems.indices {
            thin(\.world.input.lineItems[index].creatives)
            thin(\.world.input.lineItems[index].promotedProductIDs)
            for change in simpler { _ = attempt { change(&$0.world.input.lineItems[index]) } }
            for change in wider {
                _ = attempt { change(&$0.world.input.lineItems[index].targeting.wanted) }
                _ = attempt { change(&$0.world.input.lineItems[index].targeting.excluded) }
            }
        }
        for index in best.world.input.placements.indices {
            _ = attempt { $0.world.input.placements[index].competitorBlock = .none }
            _ = attempt { $0.world.input.placements[index].repeatBrand = true }
            _ = attempt { $0.world.input.placements[index].repeatAdvertiser = true }
            _ = attempt { $0.world.input.placements[index].floor = .zero }
            _ = attempt { $0.world.input.placements[index].marginWeight = 0 }
        }
        for index in best.world.input.brands.indices {
            _ = attempt { $0.world.input.brands[index].competitorBlock = .none }
        }
        _ = attempt { $0.world.interests = [] }
        _ = attempt { $0.world.input.clickWeights = nil }
        _ = attempt { $0.page.categories = [] }
        _ = attempt { $0.page.brands = [] }
        _ = attempt { $0.page.product = nil }
        _ = attempt { $0.page.phrase = nil }
        _ = attempt { $0.page.keys = [:] }
        _ = attempt { $0.page.audiences = [] }
        _ = attempt { $0.page.signedIn = nil }
        thin(\.world.input.placements)
        thin(\.world.input.products)
        return best
    }

    private static let simpler: [@Sendable (inout SnapshotInput.LineItem) -> Void] = [
        { $0.targeting = Targeting() }, { $0.caps = .none }, { $0.needsLease = false }, { $0.promotedProductIDs = [] },
        { $0.isPacedEvenly = false }, { $0.holdout = nil }, { $0.isCompanion = false }, { $0.goalImpressions = nil },
        { $0.tier = .auction }, { $0.pricing = .cpm },
    ]
    private static let wider: [@Sendable (inout TargetingValues) -> Void] = [
        { $0.pageTypes = [] }, { $0.placements = [] }, { $0.categories = [] }, { $0.brands = [] }, { $0.products = [] },
        { $0.phrases = [] }, { $0.audiences = [] }, { $0.regions = [] }, { $0.devices = [] }, { $0.locations = [] },
        { $0.dayparts = [] },
        { $0.shoppers = [] }, { $0.signedIn = nil }, { $0.keys = [:] },
    ]
}
