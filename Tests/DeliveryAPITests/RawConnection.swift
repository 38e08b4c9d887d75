import DeliveryAPI
import Foundation
import Glibc

/// A blocking socket and just enough HTTP to look at answers byte by byte. Gives up after five seconds.
final class RawConnection {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    struct Response {
        var status: Int
        var headers: [(name: String, value: String)]
        var body: [UInt8]

        func header(_ name: String) -> String? { headers.first { $0.name == name.lowercased() }?.value }
        var text: String { String(decoding: body, as: UTF8.self) }
        var json: Any? { try? JSONSerialization.jsonObject(with: Data(body)) }
        /// A value of nested objects and arrays: `value("slots", "top", "ads", 0, "token")`.
        func value(_ path: Any...) -> Any? {
            path.reduce(json) { found, step in
                if let key = step as? String { return (found as? [String: Any])?[key] }
                guard let index = step as? Int, let list = found as? [Any], index < list.count else { return nil }
                return list[index]
            }
        }
        func string(_ path: String...) -> String? {
            path.reduce(json) { ($0 as? [String: Any])?[$1] } as? String
        }
        var code: String? { string("code") }
    }

    private let descriptor: Int32
    private var buffer: [UInt8] = []

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var timeout = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure(description: "connect: errno \(errno)") }
    }

    deinit { close(descriptor) }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            sent += count
        }
    }

    func closeOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// More bytes; false at the end of the stream.
    private func fill() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count == 0 { return false }
        guard count > 0 else { throw Failure(description: "recv: errno \(errno) with \(buffer.count) bytes waiting") }
        buffer.append(contentsOf: chunk[0..<count])
        return true
    }

    /// One whole answer; `head` for answers without a body.
    func receive(head: Bool = false) throws -> Response {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let split = buffer.indices.first(where: { buffer[$0...].starts(with: end) }) {
                let lines = String(decoding: buffer[0..<split], as: UTF8.self).components(separatedBy: "\r\n")
                let status = Int(lines[0].split(separator: " ")[1]) ?? 0
                let headers = lines.dropFirst().map { line in
                    let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
                    return (
                        name: parts[0].lowercased(),
                        value: parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
                    )
                }
                let length = headers.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
                let body = head || status < 200 || status == 204 ? 0 : length
                while buffer.count < split + 4 + body {
                    guard try fill() else { throw Failure(description: "the body ended early") }
                }
                let response = Response(
                    status: status, headers: headers, body: Array(buffer[(split + 4)..<(split + 4 + body)]))
                buffer.removeFirst(split + 4 + body)
                return response
            }
            guard try fill() else { throw Failure(description: "closed with \(buffer.count) bytes waiting") }
        }
    }

    /// True when the other side has closed and nothing is left.
    func isClosed() throws -> Bool {
        if !buffer.isEmpty { return false }
        do { return try !fill() } catch { return errno == ECONNRESET }
    }

    static func request(
        _ method: String, _ path: String, body: String? = nil, headers: [String: String] = [:]
    ) -> String {
        var text = "\(method) \(path) HTTP/1.1\r\nHost: ads.test\r\n"
        var headers = headers
        if headers["User-Agent"] == nil { headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64)" }
        if let body {
            if headers["Content-Type"] == nil { headers["Content-Type"] = "application/json" }
            headers["Content-Length"] = "\(body.utf8.count)"
        }
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) where !value.isEmpty {
            text += "\(name): \(value)\r\n"
        }
        return text + "\r\n" + (body ?? "")
    }

    func post(_ path: String, _ body: String, headers: [String: String] = [:]) throws -> Response {
        send(Self.request("POST", path, body: body, headers: headers))
        return try receive()
    }

    func get(_ path: String, headers: [String: String] = [:]) throws -> Response {
        send(Self.request("GET", path, headers: headers))
        return try receive()
    }
}

extension EdgeWorld {
    /// Runs `body` against the real server on a socket.
    func serving(_ body: (_ port: Int) async throws -> Void) async throws {
        let port = try await server.start()
        do { try await body(port) } catch {
            await server.stop()
            throw error
        }
        sink.release()
        await server.stop()
    }
}
