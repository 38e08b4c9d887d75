import AdModel
import Decisioning
import Testing

@Suite("Pacing")
struct PacingTests {
    /// Twice as busy in the evening as in the morning, and a quiet night.
    static let busyEvening = DemandForecast(
        hourly: (0..<24).map { $0 < 7 ? 1 : $0 < 17 ? 5 : $0 < 22 ? 10 : 4 })

    /// A day lived minute by minute: `traffic(hour)` opportunities a minute, one micro-rouble each.
    static func live(
        budget: Int64, forecast: DemandForecast, from: Double = 0, to: Double = 24, seed: UInt64,
        controller: inout PacingController, traffic: (Double) -> Double
    ) -> (spent: Int64, worst: Double) {
        var random = SplitMix(seed)
        var spent: Int64 = 0
        var worst = 0.0
        var owed = 0.0
        for minute in Int(from * 60)..<Int(to * 60) {
            let hour = Double(minute) / 60
            let day = PacingController.Day(budget: budget, committed: spent, from: from, to: to, forecast: forecast)
            let share = controller.next(day, at: hour)
            owed += traffic(hour)
            while owed >= 1 {
                owed -= 1
                if UInt32(truncatingIfNeeded: random.next()) <= share, spent < budget { spent += 1 }
            }
            let after = PacingController.Day(budget: budget, committed: spent, from: from, to: to, forecast: forecast)
            worst = max(worst, abs(Double(spent) - after.plan(at: hour + 1.0 / 60)) / Double(budget))
        }
        return (spent, worst)
    }

    @Test("A forecast of nothing is a flat day, and no hour is expected to bring nothing at all")
    func forecastHasNoHoles() {
        #expect(DemandForecast(hourly: []) == .flat)
        #expect(DemandForecast(hourly: [0, -3]) == .flat)
        let one = DemandForecast(hourly: (0..<24).map { $0 == 12 ? 100 : 0 })
        #expect(one.share(from: 3, to: 4) > 0)
        #expect(one.share(from: 12, to: 13) > 0.6)
        #expect(abs(one.reached(24) - 1) < 1e-12)
        #expect(one.reached(-1) == 0)
    }

    @Test("The plan follows the curve inside the flight and reaches the budget where it ends")
    func planEndsWithTheFlight() {
        let day = PacingController.Day(
            budget: 1_000, committed: 0, from: 6, to: 18, forecast: Self.busyEvening)
        #expect(day.plan(at: 6) == 0)
        #expect(day.plan(at: 18) == 1_000)
        #expect(day.plan(at: 23) == 1_000)
        // Until five in the afternoon 1 + 10 x 5 of 51 + 10 parts.
        #expect(abs(day.plan(at: 17) - 1_000 * 51 / 61) < 1e-6)
    }

    @Test("The share opens when spend is behind the curve and closes when it is ahead")
    func opensAndCloses() {
        func share(after committed: Int64) -> UInt32 {
            var controller = PacingController()
            _ = controller.next(.init(budget: 1_000, committed: 400), at: 10)
            return controller.next(.init(budget: 1_000, committed: committed), at: 10.1)
        }
        #expect(share(after: 402) > share(after: 404))
        #expect(share(after: 500) < UInt32.max / 500)
        #expect(share(after: 500) > 0, "never closed before the budget is spent")
        #expect(share(after: 1_000) == 0)
    }

    @Test("What half or one and a half times the forecast brings, the budget ends with the day and keeps to the curve")
    func trafficOffForecast() {
        for seed in UInt64(1)...20 {
            var random = SplitMix(seed &* 7_919)
            let level = 0.5 + Double(random.next() % 1_000) / 1_000
            var controller = PacingController()
            for day in 0..<2 {
                let lived = Self.live(
                    budget: 2_000, forecast: Self.busyEvening, seed: seed, controller: &controller
                ) { hour in 17_000 * level * Self.busyEvening.share(from: hour, to: hour + 1.0 / 60) }
                #expect(lived.spent >= 1_960, "seed \(seed), day \(day), level \(level): \(lived.spent)")
                #expect(lived.worst < 0.05, "seed \(seed), day \(day), level \(level): \(lived.worst) off the plan")
            }
        }
    }

    @Test("A curve that is wrong altogether costs distance from the plan, not the budget")
    func wrongCurve() {
        var controller = PacingController()
        let lived = Self.live(budget: 1_000, forecast: .flat, seed: 3, controller: &controller) { hour in
            8_000 * Self.busyEvening.share(from: hour, to: hour + 1.0 / 60)
        }
        #expect(lived.spent >= 980)
    }

    @Test("A flight of a few hours spends its day in them")
    func shortFlight() {
        var controller = PacingController()
        let lived = Self.live(
            budget: 500, forecast: Self.busyEvening, from: 20, to: 23.5, seed: 5, controller: &controller
        ) { _ in 10 }
        #expect(lived.spent >= 490)
        #expect(lived.worst < 0.08)
    }
}
