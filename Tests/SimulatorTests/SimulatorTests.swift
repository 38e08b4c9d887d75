import Testing

@Suite("Simulator") struct SimulatorTests {}
