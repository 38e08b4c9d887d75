import Foundation

/// Compares what was sent with what the operator says he has.
enum OperatorHas {
    /// Whether everything that was sent stands in the operator's answer; he may know more (a token, lists that were
    /// left out).
    static func it(_ sent: [UInt8], in answer: [UInt8]) -> Bool {
        guard let mine = try? JSONSerialization.jsonObject(with: Data(sent)),
            let theirs = try? JSONSerialization.jsonObject(with: Data(answer))
        else { return false }
        return covers(theirs, mine)
    }

    /// Rows of a page of `GET /v3/statistics/list` with the operator's names for them; nil when it is no such page.
    static func rows(in answer: [UInt8]) -> [(id: String, json: [UInt8])]? {
        let object = (try? JSONSerialization.jsonObject(with: Data(answer))) as? [String: Any]
        guard let items = object?["items"] as? [[String: Any]] else { return nil }
        return items.compactMap { item in
            guard let creative = item["creative_external_id"] as? String, let pad = item["pad_external_id"] as? String,
                let day = item["date_start_actual"] as? String,
                let json = try? JSONSerialization.data(withJSONObject: item)
            else { return nil }
            return ("\(creative)__\(pad)__\(day.prefix(7))-01", Array(json))
        }
    }

    /// Whether a row that was sent as `{"items":[row]}` is the operator's.
    static func row(_ sent: [UInt8], in theirs: [UInt8]) -> Bool {
        let object = (try? JSONSerialization.jsonObject(with: Data(sent))) as? [String: Any]
        guard let mine = (object?["items"] as? [Any])?.first,
            let theirs = try? JSONSerialization.jsonObject(with: Data(theirs))
        else { return false }
        return covers(theirs, mine)
    }

    private static func covers(_ theirs: Any?, _ mine: Any) -> Bool {
        switch mine {
        case let members as [String: Any]:
            guard let others = theirs as? [String: Any] else { return false }
            return members.allSatisfy { covers(others[$0.key], $0.value) }
        case let items as [Any]:
            guard let others = theirs as? [Any], others.count == items.count else { return false }
            return zip(others, items).allSatisfy { covers($0, $1) }
        case let text as String: return theirs as? String == text
        case let number as NSNumber: return theirs as? NSNumber == number
        default: return theirs == nil || theirs is NSNull
        }
    }
}
