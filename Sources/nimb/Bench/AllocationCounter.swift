import Foundation

/// Counts what a contestant allocates, by a small library preloaded into its process (`Data/malloc-counter.c`, built
/// by the clang that comes with Swift).
final class AllocationCounter {
    private let library: String
    private let file: String

    /// - Parameters:
    ///   - folder: of the benchmark; the library is built there once.
    ///   - name: of the contestant.
    init(in folder: URL, name: String) throws {
        library = folder.appendingPathComponent("malloc-counter.so").path
        file = folder.appendingPathComponent("allocations-\(name)").path
        if !FileManager.default.fileExists(atPath: library) {
            let compiler = Process()
            compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            compiler.arguments = [
                "clang", "-O2", "-shared", "-fPIC", "-o", library, DataFiles.url("malloc-counter.c").path,
            ]
            try compiler.run()
            compiler.waitUntilExit()
            guard compiler.terminationStatus == 0 else {
                throw Refusal("the counter of allocations could not be built; clang of the Swift toolchain is needed.")
            }
        }
        try Data(count: 8).write(to: URL(fileURLWithPath: file))
    }

    /// What the contestant's environment must have.
    var environment: [String: String] { ["LD_PRELOAD": library, "NIMB_ALLOCATIONS": file] }

    /// Allocations of the process so far.
    var count: UInt64 {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: file)), data.count == 8 else { return 0 }
        return data.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    }
}
