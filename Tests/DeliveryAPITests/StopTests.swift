import DeliveryAPI
import EventLog
import Foundation
import Logging
import Measurement
import Profiles
import Store
import Telemetry
import Testing

@Suite("The switch that stops ads", .blocking) struct StopTests {
    @Test("empties every slot of what is stopped, and of nothing else") func stops() async throws {
        let world = try EdgeWorld()
        try await world.serving { port in
            let connection = try RawConnection(port: port)
            func noFill(_ name: String) throws -> String? {
                try connection.post("/v1/placements", EdgeWorld.page(slots: EdgeWorld.bothSlots))
                    .value("slots", name, "no_fill") as? String
            }
            #expect(try noFill("top") == nil)
            for stops in [ServingStops(storefrontIDs: [1]), ServingStops(everything: true)] {
                world.serving.stops = stops
                #expect(try noFill("top") == "stopped")
                #expect(try noFill("shelf") == "stopped")
            }
            world.serving.stops = ServingStops(storefrontIDs: [2])
            #expect(try noFill("top") == nil, "another storefront")
            world.serving.stops = .none
            #expect(try noFill("shelf") == nil)
        }
        let stopped = world.sink.decisions.filter { $0.slots.allSatisfy { $0.noFill == 16 } }
        #expect(stopped.count == 4, "each is in the log with its reason")
        #expect(stopped.allSatisfy { $0.slots.allSatisfy { $0.ads.isEmpty } })
    }
}
