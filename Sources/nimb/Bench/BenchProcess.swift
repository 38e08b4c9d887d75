import Foundation

/// A contestant as a process of its own on a core of its own; ends with the benchmark, however that ends.
final class BenchProcess {
    private let process: Process
    let port: Int

    /// Starts `nimb` with the arguments on the given core and waits for the line that says it is ready.
    /// - Parameter environment: what its environment has beside this one's.
    init(_ arguments: [String], port: Int, core: Int, environment: [String: String] = [:]) throws {
        let process = Process()
        if !environment.isEmpty {
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        }
        process.executableURL = URL(fileURLWithPath: "/usr/bin/taskset")
        process.arguments =
            ["-c", "\(core)", "/usr/bin/setpriv", "--pdeathsig", "KILL", "--", BenchProcess.executable] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        self.process = process
        self.port = port
        // The signal at the parent's end follows the starting thread, so that thread must live as long as we do.
        // Commands run on the main thread, which does.
        try process.run()
        var text = ""
        while !text.contains("ready") {
            let data = pipe.fileHandleForReading.availableData
            guard !data.isEmpty else { throw Refusal("a contestant of the benchmark ended before it was ready.") }
            text += String(decoding: data, as: UTF8.self)
        }
    }

    /// Path of this program.
    static var executable: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }

    var pid: Int32 { process.processIdentifier }

    /// CPU seconds, user and system, used so far by the process.
    var cpuSeconds: Double {
        guard let stat = try? String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8),
            let end = stat.lastIndex(of: ")")
        else { return 0 }
        let fields = stat[end...].split(separator: " ")
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else { return 0 }
        return (user + system) / 100
    }

    /// Memory of the process that is in RAM now, bytes.
    var residentBytes: Int {
        let status = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1_024
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }
}
