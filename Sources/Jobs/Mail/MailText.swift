import AdModel
import Foundation
import Store

/// A message as mail programs read it (RFC 5322 with MIME). Every header is one line, whatever the subject holds.
public enum MailText {
    /// The whole message with CRLF line ends, headers first.
    /// - Parameter sender: the address in `From`.
    public static func render(_ mail: QueuedMail, from sender: String) -> String {
        let headers = [
            "From: \(oneLine(sender))",
            "To: \(oneLine(mail.to))",
            "Subject: \(encodedWords(mail.subject))",
            "Date: \(date(mail.createdAt))",
            // The same for every attempt, so that a receiver can tell a second copy.
            "Message-ID: <nimb.\(mail.id).\(mail.createdAt.micros)@\(host(sender))>",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: base64",
            "Auto-Submitted: auto-generated",
        ]
        let body = Data(mail.body.replacing("\n", with: "\r\n").utf8)
            .base64EncodedString(options: [.lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed])
        return headers.joined(separator: "\r\n") + "\r\n\r\n" + body + "\r\n"
    }

    private static func oneLine(_ text: String) -> String {
        String(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.map(Character.init))
    }

    private static func host(_ sender: String) -> String {
        let host = sender.split(separator: "@").last.map(String.init) ?? "localhost"
        return host.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-") }
    }

    /// RFC 2047: base64 words of at most 75 characters, cut between characters.
    private static func encodedWords(_ text: String) -> String {
        var words: [String] = []
        var part = ""
        for character in oneLine(text) {
            if part.utf8.count + character.utf8.count > 42 {
                words.append(part)
                part = ""
            }
            part.append(character)
        }
        if !part.isEmpty || words.isEmpty { words.append(part) }
        return words.map { "=?utf-8?B?\(Data($0.utf8).base64EncodedString())?=" }.joined(separator: "\r\n ")
    }

    private static func date(_ instant: Timestamp) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss '+0000'"
        return formatter.string(from: Date(timeIntervalSince1970: Double(instant.micros / 1_000_000)))
    }
}
