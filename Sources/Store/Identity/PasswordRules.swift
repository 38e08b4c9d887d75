/// What a password must be. Length is what makes guessing slow; rules about kinds of characters are not wanted.
public enum PasswordRules {
    public static let minimumCharacters = 12
    /// Longer ones are refused rather than cut.
    public static let maximumBytes = 512

    /// Why the password is refused, as an instruction; nil when it is fine.
    public static func problem(with password: String, email: String) -> String? {
        guard password.count >= minimumCharacters else {
            return "Use at least \(minimumCharacters) characters; a few unrelated words are good."
        }
        guard password.utf8.count <= maximumBytes else { return "Use at most \(maximumBytes) bytes." }
        guard !password.unicodeScalars.contains(where: { $0.value == 0 }) else {
            return "Leave out control characters."
        }
        guard Set(password).count >= 5 else { return "Use more different characters." }
        let name = email.prefix { $0 != "@" }
        guard !password.lowercased().contains(email), name.count < 4 || !password.lowercased().contains(name) else {
            return "Leave your address out of it."
        }
        return nil
    }
}
