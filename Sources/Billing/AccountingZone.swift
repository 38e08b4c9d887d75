import AdModel
import Foundation
import Synchronization

/// The retailer's accounting zone: which calendar day an instant belongs to, for budgets, ledgers and reports.
///
/// Immutable but for a one-slot memory of the last offset, because consecutive events nearly always share it.
public final class AccountingZone: Sendable {
    /// IANA name, for example `Europe/Moscow`.
    public let identifier: String
    private let zone: TimeZone
    /// Offsets change only on quarter-hour boundaries, so one answer holds for its quarter of an hour.
    private let last = Mutex<(slot: Int64, offset: Int64)>((Int64.min, 0))

    private static let slotMicros: Int64 = 900_000_000

    /// nil when the name is not in the time zone data base.
    public init?(_ identifier: String) {
        guard let zone = TimeZone(identifier: identifier) else { return nil }
        self.identifier = identifier
        self.zone = zone
    }

    /// Calendar day of an instant in this zone.
    public func day(of instant: Timestamp) -> Day {
        Timestamp(micros: instant.micros + offsetMicros(at: instant)).utcDay
    }

    /// First day of the month that contains the instant.
    public func month(of instant: Timestamp) -> Day {
        let day = day(of: instant)
        return day + (1 - day.civil.day)
    }

    /// First instant of a day in this zone (the earlier one where the clock is set back over midnight).
    public func start(of day: Day) -> Timestamp {
        let naive = day.utcStart
        var instant = Timestamp(micros: naive.micros - offsetMicros(at: naive))
        // The offset at the guess may differ from the offset at the answer; one correction is enough because
        // zones do not change twice within a day.
        instant = Timestamp(micros: naive.micros - offsetMicros(at: instant))
        return instant
    }

    private func offsetMicros(at instant: Timestamp) -> Int64 {
        let slot = floorDivide(instant.micros, Self.slotMicros)
        return last.withLock { last in
            if last.slot == slot { return last.offset }
            let date = Date(timeIntervalSince1970: Double(slot) * 900)
            let offset = Int64(zone.secondsFromGMT(for: date)) * 1_000_000
            last = (slot, offset)
            return offset
        }
    }
}
