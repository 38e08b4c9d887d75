/// Generated public ids: a short prefix that says what it is, and 65 random bits.
public enum Code {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz")

    /// `cmp-` and 13 characters without look-alikes; two never collide in practice, and nobody can guess one.
    public static func make(_ prefix: String) -> String {
        var generator = SystemRandomNumberGenerator()
        var text = prefix + "-"
        for _ in 0..<13 { text.append(alphabet[Int.random(in: 0..<32, using: &generator)]) }
        return text
    }
}
