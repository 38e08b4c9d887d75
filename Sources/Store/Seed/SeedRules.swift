/// What a seed file is checked against and that `Store`'s caller knows: ad formats, codes of goods, ids of firms,
/// policies, files and the environment.
public struct SeedRules: Sendable {
    /// An ad format as the seed needs it.
    public struct Format: Sendable {
        /// The operator's form, `banner`.
        public var ordForm: String
        /// Checks the fields (canonical JSON) and the pictures; each problem is (path inside the creative, reason).
        public var problems: @Sendable (_ fieldsJSON: String, _ pictures: [SeedPicture]) -> [(String, String)]

        public init(
            ordForm: String,
            problems: @escaping @Sendable (_ fieldsJSON: String, _ pictures: [SeedPicture]) -> [(String, String)]
        ) {
            self.ordForm = ordForm
            self.problems = problems
        }
    }

    /// Formats by name.
    public var formats: [String: Format]
    /// Whether a third-level code of goods exists.
    public var kktuExists: @Sendable (String) -> Bool
    /// Problems of a counterparty as (key, reason), above all of its INN.
    public var counterparty: @Sendable (SeedCounterparty) -> [(String, String)]
    /// Names of attribution policies.
    public var policies: Set<String>
    /// Reads a file named in the seed, relative to the seed file.
    public var readFile: @Sendable (String) throws -> [UInt8]
    /// For `from_env`.
    public var environment: [String: String]
    /// Makes the random part of a key; a test fixes it.
    public var randomBytes: @Sendable (Int) -> [UInt8]

    public init(
        formats: [String: Format], policies: Set<String>,
        kktuExists: @escaping @Sendable (String) -> Bool,
        counterparty: @escaping @Sendable (SeedCounterparty) -> [(String, String)],
        readFile: @escaping @Sendable (String) throws -> [UInt8],
        environment: [String: String] = [:],
        randomBytes: @escaping @Sendable (Int) -> [UInt8] = { count in
            var generator = SystemRandomNumberGenerator()
            return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
        }
    ) {
        self.formats = formats
        self.policies = policies
        self.kktuExists = kktuExists
        self.counterparty = counterparty
        self.readFile = readFile
        self.environment = environment
        self.randomBytes = randomBytes
    }
}
