import Glibc

/// One keep-alive connection to the delivery listener, on a blocking socket: many requests may wait for their answers.
final class HistoryConnection {
    /// Answers that may be outstanding; the server stops reading at 64.
    static let mostInFlight = 48

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private let socket: Int32
    private var received: [UInt8] = []
    private var start = 0
    private var buffer = [UInt8](repeating: 0, count: 65_536)
    private(set) var inFlight = 0

    init(port: Int) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var on: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(clamping: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            close(socket)
            throw Failure(description: "the delivery listener does not answer")
        }
    }

    deinit { close(socket) }

    func send(_ request: [UInt8]) throws {
        var sent = 0
        while sent < request.count {
            let count = request.withUnsafeBytes { raw -> Int in
                guard let base = raw.baseAddress else { return 0 }
                return Glibc.send(socket, base + sent, raw.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(description: "the delivery listener closed a connection") }
            sent += count
        }
        inFlight += 1
    }

    /// The next answer, waited for: its status, and what `look` makes of its body.
    func answer<R>(_ look: (Int, UnsafeRawBufferPointer) throws -> R) throws -> R {
        while true {
            if let (status, body, end) = whole() {
                let result = try received.withUnsafeBytes {
                    try look(status, UnsafeRawBufferPointer(rebasing: $0[body]))
                }
                start = end
                if start == received.count {
                    received.removeAll(keepingCapacity: true)
                    start = 0
                }
                inFlight -= 1
                return result
            }
            try receive()
        }
    }

    /// Whether there is something to read.
    var hasAnswer: Bool {
        if whole() != nil { return true }
        var watched = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&watched, 1, 0) > 0
    }

    private func receive() throws {
        if start > 1 << 20 {
            received.removeFirst(start)
            start = 0
        }
        let count = read(socket, &buffer, buffer.count)
        guard count > 0 else { throw Failure(description: "the delivery listener closed a connection") }
        received.append(contentsOf: buffer[0..<count])
    }

    /// Status, place of the body and end of the first whole answer.
    private func whole() -> (status: Int, body: Range<Int>, end: Int)? {
        received.withUnsafeBytes { bytes in
            guard let blank = ByteSearch.find("\r\n\r\n", in: bytes, from: start),
                let place = ByteSearch.find("content-length: ", in: bytes, from: start), place < blank
            else { return nil }
            let head = blank + 4
            var length = 0
            var index = place + 16
            while bytes[index] >= 0x30, bytes[index] <= 0x39 {
                length = length * 10 + Int(bytes[index] - 0x30)
                index += 1
            }
            guard bytes.count >= head + length else { return nil }
            let status = bytes[(start + 9)..<(start + 12)].reduce(0) { $0 * 10 + Int($1) - 48 }
            return (status, head..<(head + length), head + length)
        }
    }
}
