import Glibc

/// A load generator on raw sockets and poll(2), so that the client costs much less than any server it drives.
///
/// *Closed loop*: every connection sends its next request as soon as it has its answer; gives the maximum rate.
/// *Open loop*: requests are due at fixed instants whatever the server does, and latency counts from the instant
/// a request was **due**, so that a stalled server cannot hide its queue (coordinated omission).
struct LoadGenerator {
    /// Whole HTTP/1.1 requests, sent in turn.
    var requests: [[UInt8]]
    var port: UInt16
    var connections: Int

    struct Outcome {
        /// Answers with a 2xx status.
        var answered = 0
        /// Answers with another status, or connections lost.
        var failed = 0
        /// Wall time of the measured part, seconds.
        var seconds = 0.0
        /// Microseconds from due (open loop) or sent (closed loop) to the last byte of the answer.
        var latencies: [UInt32] = []

        var perSecond: Double { Double(answered) / seconds }

        /// Latency below which the share `q` (0...1) of the answers lies, microseconds.
        func quantile(_ q: Double) -> UInt32 {
            guard !latencies.isEmpty else { return 0 }
            let sorted = latencies.sorted()
            return sorted[min(sorted.count - 1, Int(Double(sorted.count) * q))]
        }
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// As many requests as the server takes for `seconds`.
    func closedLoop(seconds: Double) throws -> Outcome { try run(seconds: seconds, perSecond: nil) }

    /// `perSecond` requests a second for `seconds`, on time.
    func openLoop(seconds: Double, perSecond: Double) throws -> Outcome {
        try run(seconds: seconds, perSecond: perSecond)
    }

    /// Sends the requests one after the other and hands each answer's body to `look`.
    func inspect(_ count: Int, _ look: ([UInt8]) -> Void) throws {
        var connection = Connection(socket: try connect())
        defer { close(connection.socket) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        for index in 0..<count {
            try send(requests[index % requests.count], on: connection.socket)
            var whole: [UInt8] = []
            while true {
                let got = read(connection.socket, &buffer, buffer.count)
                guard got > 0 else { throw Failure(description: "the server closed a connection") }
                connection.received.append(contentsOf: buffer[0..<got])
                whole = connection.received
                guard let status = LoadGenerator.complete(&connection) else { continue }
                let body = Array(whole[(LoadGenerator.endOfHead(whole) ?? 0)...])
                guard status == 200 else {
                    throw Failure(description: "answer \(status): \(String(decoding: body, as: UTF8.self))")
                }
                look(body)
                break
            }
        }
    }

    private struct Connection {
        var socket: Int32
        var due: UInt64 = 0
        var busy = false
        var received: [UInt8] = []
        var expected = -1
    }

    private func run(seconds: Double, perSecond: Double?) throws -> Outcome {
        var open: [Connection] = []
        defer { for connection in open { close(connection.socket) } }
        var watched: [pollfd] = []
        for _ in 0..<connections {
            let connection = Connection(socket: try connect())
            watched.append(pollfd(fd: connection.socket, events: Int16(POLLIN), revents: 0))
            open.append(connection)
        }
        var outcome = Outcome()
        var next = 0
        var idle = Array(open.indices)
        let start = LoadGenerator.now()
        let end = start + UInt64(seconds * 1_000_000_000)
        let gap = perSecond.map { 1_000_000_000 / $0 }
        var sentInOpenLoop = 0
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var busy = 0
        while true {
            let now = LoadGenerator.now()
            if now >= end, busy == 0 || now > end + 1_000_000_000 { break }
            if now < end {
                while let index = idle.last {
                    var due = now
                    if let gap {
                        due = start + UInt64(Double(sentInOpenLoop) * gap)
                        if due > now { break }
                        sentInOpenLoop += 1
                    }
                    idle.removeLast()
                    open[index].due = due
                    open[index].busy = true
                    busy += 1
                    try send(requests[next % requests.count], on: open[index].socket)
                    next += 1
                }
            }
            var wait: Int32 = 10
            if let gap, !idle.isEmpty, now < end {
                let due = start + UInt64(Double(sentInOpenLoop) * gap)
                // Sub-millisecond gaps are spun: the generator has a core of its own.
                wait = due > now + 2_000_000 ? Int32((due - now) / 1_000_000 - 1) : 0
            }
            guard poll(&watched, nfds_t(watched.count), wait) > 0 else { continue }
            for index in watched.indices where watched[index].revents != 0 {
                let got = read(open[index].socket, &buffer, buffer.count)
                guard got > 0 else {
                    outcome.failed += 1
                    throw Failure(description: "the server closed a connection after \(outcome.answered) answers")
                }
                open[index].received.append(contentsOf: buffer[0..<got])
                guard let status = LoadGenerator.complete(&open[index]) else { continue }
                let finished = LoadGenerator.now()
                if (200..<300).contains(status) { outcome.answered += 1 } else { outcome.failed += 1 }
                outcome.latencies.append(UInt32(clamping: (finished - min(finished, open[index].due)) / 1_000))
                if gap == nil, finished < end {
                    // At once: what waits for the rest of a batch leaves the server idle.
                    open[index].due = finished
                    try send(requests[next % requests.count], on: open[index].socket)
                    next += 1
                    continue
                }
                open[index].busy = false
                busy -= 1
                idle.append(index)
            }
        }
        outcome.seconds = Double(LoadGenerator.now() - start) / 1_000_000_000
        return outcome
    }

    /// The status once the whole answer is there; the connection is then ready for the next one.
    private static func complete(_ connection: inout Connection) -> Int? {
        if connection.expected < 0 {
            guard let head = endOfHead(connection.received) else { return nil }
            connection.expected = head + contentLength(connection.received, before: head)
        }
        guard connection.received.count >= connection.expected else { return nil }
        let digits = connection.received[9..<12]
        let status = digits.reduce(0) { $0 * 10 + Int($1) - 48 }
        connection.received.removeAll(keepingCapacity: true)
        connection.expected = -1
        return status
    }

    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 3..<bytes.count
        where bytes[index] == 10 && bytes[index - 1] == 13 && bytes[index - 2] == 10 && bytes[index - 3] == 13 {
            return index + 1
        }
        return nil
    }

    private static let name = Array("content-length:".utf8)

    private static func contentLength(_ bytes: [UInt8], before end: Int) -> Int {
        var index = 0
        while index + name.count < end {
            if bytes[index] == 10, zip(name, bytes[(index + 1)...]).allSatisfy({ $0 == $1 | 0x20 || $0 == $1 }) {
                var length = 0
                for byte in bytes[(index + 1 + name.count)..<end] {
                    if byte == 13 { return length }
                    if byte >= 48, byte <= 57 { length = length * 10 + Int(byte - 48) }
                }
            }
            index += 1
        }
        return 0
    }

    private func connect() throws -> Int32 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var on: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            close(socket)
            throw Failure(description: "nothing listens on port \(port)")
        }
        return socket
    }

    private func send(_ bytes: [UInt8], on socket: Int32) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { raw -> Int in
                guard let base = raw.baseAddress else { return 0 }
                return Glibc.send(socket, base + sent, raw.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(description: "the server closed a connection") }
            sent += count
        }
    }

    /// Monotonic nanoseconds.
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
