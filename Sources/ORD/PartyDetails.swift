/// What a person's documents say about a party beside its name and tax numbers. Whatever is missing is left out, or
/// left blank for the pen.
public struct PartyDetails: Hashable, Codable, Sendable {
    /// Where the party's money goes.
    public struct Bank: Hashable, Codable, Sendable {
        public var name: String
        /// Nine digits.
        public var bik: String
        public var account: String
        public var correspondentAccount: String?

        public init(name: String, bik: String, account: String, correspondentAccount: String? = nil) {
            self.name = name
            self.bik = bik
            self.account = account
            self.correspondentAccount = correspondentAccount
        }
    }

    public var address: String?
    public var bank: Bank?
    /// Post and name of whoever signs.
    public var signatoryPost: String?
    public var signatoryName: String?

    public init(
        address: String? = nil, bank: Bank? = nil, signatoryPost: String? = nil, signatoryName: String? = nil
    ) {
        self.address = address
        self.bank = bank
        self.signatoryPost = signatoryPost
        self.signatoryName = signatoryName
    }

    /// Nothing is known beside name and tax numbers.
    public var isEmpty: Bool { self == PartyDetails() }

    /// What is wrong with the details, by their own field names: `address`, `bank.account`, `signatory.name`.
    public func findings() -> [Finding] {
        var c = Checker("details")
        for (field, value, limit) in [
            ("address", address, 500), ("bank.name", bank?.name, 255), ("signatory.post", signatoryPost, 255),
            ("signatory.name", signatoryName, 255),
        ] {
            if let value { c.length(field, value, 1...limit) }
        }
        guard let bank else { return c.findings }
        guard BankNumbers.isDigits(bank.bik, 9) else {
            c.fail("bank.bik", "bik_format", "must be nine digits")
            return c.findings
        }
        if !BankNumbers.isDigits(bank.account, 20) {
            c.fail("bank.account", "account_format", "must be twenty digits")
        } else if !BankNumbers.isAccount(bank.account, bik: bank.bik) {
            c.fail("bank.account", "account_key", "its key does not fit the bank: compare account and BIK")
        }
        guard let correspondent = bank.correspondentAccount else { return c.findings }
        if !BankNumbers.isDigits(correspondent, 20) {
            c.fail("bank.correspondent_account", "account_format", "must be twenty digits")
        } else if !BankNumbers.isCorrespondentAccount(correspondent, bik: bank.bik) {
            c.fail(
                "bank.correspondent_account", "account_key", "its key does not fit the bank: compare it with the BIK")
        }
        return c.findings
    }
}

/// Numbers of Russian banks: an account has a key digit that depends on the bank.
public enum BankNumbers {
    static func isDigits(_ text: String, _ count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Whether the key of an account fits the bank. Branches of the Bank of Russia (BIK ending in 000, 001 or 002) keep
    /// accounts like correspondent ones.
    public static func isAccount(_ account: String, bik: String) -> Bool {
        guard isDigits(account, 20), isDigits(bik, 9) else { return false }
        if ["000", "001", "002"].contains(bik.suffix(3)) { return isCorrespondentAccount(account, bik: bik) }
        return holds(bik.suffix(3) + account)
    }

    /// Whether the key of a bank's own account with the Bank of Russia fits it.
    public static func isCorrespondentAccount(_ account: String, bik: String) -> Bool {
        guard isDigits(account, 20), isDigits(bik, 9) else { return false }
        return holds("0" + bik.dropFirst(4).prefix(2) + account)
    }

    /// Weights 7, 1, 3; the sum of the last digits of the products ends in zero.
    private static func holds(_ text: some StringProtocol) -> Bool {
        let sum = text.utf8.enumerated().reduce(0) { sum, next in
            sum + Int(next.element - 0x30) * [7, 1, 3][next.offset % 3] % 10
        }
        return sum % 10 == 0
    }
}
