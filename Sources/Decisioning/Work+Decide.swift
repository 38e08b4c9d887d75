import AdModel
import Profiles

extension Work {
    mutating func decide(
        _ request: DecisionRequest, _ inputs: Decider.Inputs, _ result: inout DecisionResult
    ) {
        result.slots.removeAll(keepingCapacity: true)
    }
}
