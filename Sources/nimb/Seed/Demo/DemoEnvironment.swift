import Foundation

/// `dev.env` of a development installation: its addresses, and the secrets that are told only once.
struct DemoEnvironment {
    let file: URL
    /// Keys and passwords by variable, in the order of their making.
    private(set) var secrets: [(name: String, value: String)]

    init(file: URL) {
        self.file = file
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        secrets = text.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("NIMB_KEY_") || line.hasPrefix("NIMB_PASSWORD_"),
                let sign = line.firstIndex(of: "=")
            else { return nil }
            return (String(line[..<sign]), String(line[line.index(after: sign)...]))
        }
    }

    subscript(_ name: String) -> String? { secrets.first { $0.name == name }?.value }

    /// `demo-shop` becomes `NIMB_KEY_DEMO_SHOP`.
    static func key(_ code: String) -> String { "NIMB_KEY_" + word(code) }

    /// `agency` becomes `NIMB_PASSWORD_AGENCY`.
    static func password(_ user: String) -> String { "NIMB_PASSWORD_" + word(user) }

    private static func word(_ code: String) -> String {
        code.uppercased().map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
    }

    /// Keeps a secret, at once on disk: nobody tells it again.
    mutating func keep(_ value: String, as name: String, addresses: [String]) throws {
        secrets.removeAll { $0.name == name }
        secrets.append((name, value))
        try write(addresses: addresses)
    }

    /// - Parameter addresses: lines `NAME=value`; they may differ from start to start.
    func write(addresses: [String]) throws {
        let lines =
            ["# Addresses, keys and passwords of this development installation; read it with: . \(file.path)"]
            + addresses + secrets.map { "\($0.name)=\($0.value)" }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file, options: .atomic)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
    }
}
