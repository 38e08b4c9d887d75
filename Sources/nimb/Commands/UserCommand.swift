import ArgumentParser
import Foundation
import Postgres
import Store

/// `nimb user`: the first admin of an installation, and the way back in for one who has lost his password.
struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Make users and reset passwords from the server's own console.",
        subcommands: [UserCreateCommand.self, UserResetPasswordCommand.self])
}

/// How a command sets a password: the first line of standard input, or a link that it prints.
struct PasswordInput: ParsableArguments {
    @Flag(help: "Read the password from the first line of standard input instead of printing a link to choose one.")
    var passwordStdin = false

    @Option(help: "Address of the management pages as browsers see it, for the link.")
    var managementURL = "http://127.0.0.1:8081"

    /// The hash of the password on standard input; nil when a link is wanted.
    func hash(for email: EmailAddress) async throws -> String? {
        guard passwordStdin else { return nil }
        guard let password = readLine(strippingNewline: true) else {
            throw ValidationError("Give the password on the first line of standard input.")
        }
        if let problem = PasswordRules.problem(with: password, email: email.text) {
            throw ValidationError("The password is refused. \(problem)")
        }
        return try await ScryptHasher().hash(password)
    }

    func say(link token: SecretToken?) {
        guard let token else { return }
        print("choose a password within 7 days: \(PasswordResets.link(managementURL, token))")
    }

    static func email(_ text: String) throws -> EmailAddress {
        guard let email = EmailAddress(text) else {
            throw ValidationError("--email must be an address like anna@shop.example.")
        }
        return email
    }

    /// The store's refusals as one line.
    static func sayingRefusals<R>(_ work: () async throws -> R) async throws -> R {
        do { return try await work() } catch let refusal as Store.Refusal {
            Console.warn(refusal.detail)
            throw ExitCode.failure
        }
    }

    static func record(
        _ action: String, _ user: UserRecord, on db: isolated PostgresConnection
    ) throws {
        try AuditLog.record(
            AuditEntry(
                actor: "system:console", side: .system, action: action, object: "user", id: user.code, advertiser: nil,
                before: nil, after: nil, requestID: "console", at: SystemClock.now()), on: db)
    }
}

/// `nimb user create --email … --role admin`.
struct UserCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a user and print a link to choose a password.")

    @Option(help: "Login name.")
    var email: String

    @Option(help: "admin, adops, finance, analyst, advertiser_manager or advertiser_analyst.")
    var role: String

    @Option(help: "Id of the advertiser, for roles of advertisers.")
    var advertiser: String?

    @Option(help: "The person's name; the login name unless given.")
    var name: String?

    @Option(help: "ru or en.")
    var language = "ru"

    @OptionGroup var password: PasswordInput
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard (AccessRoles.retailer + AccessRoles.advertiser).contains(role) else {
            throw ValidationError("--role is unknown: \(role)")
        }
        guard AccessRoles.isAdvertiser(role) == (advertiser != nil) else {
            throw ValidationError("--advertiser goes with the roles of advertisers, and only with them.")
        }
        guard ["ru", "en"].contains(language) else { throw ValidationError("--language must be ru or en.") }
    }

    func run() async throws {
        let address = try PasswordInput.email(email)
        let hash = try await password.hash(for: address)
        let pool = try database.pool(applicationName: "nimb user", maximumConnections: 1)
        let (user, token) = try await PasswordInput.sayingRefusals {
            try await pool.transaction { db in
                var advertiserID: Int32?
                if let advertiser {
                    let row = try db.query("select id from advertiser where code = $1", [.text(advertiser)]).first
                    guard let row else { throw Store.Refusal.unknownReference("advertiser", advertiser) }
                    advertiserID = try row.int32("id")
                }
                let now = SystemClock.now()
                let user = try Users.create(
                    code: Code.make("usr"), email: address, name: name ?? address.text, language: language,
                    side: advertiser == nil ? .retailer : .advertiser, passwordHash: hash, now: now, on: db)
                _ = try Memberships.create(
                    code: Code.make("mem"), user: user, advertiser: advertiserID, role: role, now: now, on: db)
                try PasswordInput.record("user.created", user, on: db)
                guard hash == nil else { return (user, SecretToken?.none) }
                let token = try PasswordResets.make(user.id, life: PasswordResets.welcomeLife, now: now, on: db)
                return (user, token)
            }
        }
        await pool.close()
        print("made \(user.code)")
        password.say(link: token)
    }
}

/// `nimb user reset-password --email …`.
struct UserResetPasswordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset-password", abstract: "Set a user's password, or print a link to choose one.",
        discussion: "Setting it ends all sessions of the user; with a link the old one works until the link is used.")

    @Option(help: "Login name.")
    var email: String

    @OptionGroup var password: PasswordInput
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let address = try PasswordInput.email(email)
        let hash = try await password.hash(for: address)
        let pool = try database.pool(applicationName: "nimb user", maximumConnections: 1)
        let (user, token) = try await PasswordInput.sayingRefusals {
            try await pool.transaction { db in
                guard let user = try Users.find(email: address, on: db) else {
                    throw Store.Refusal(.notFound, "Nobody has this login name.")
                }
                let now = SystemClock.now()
                if let hash {
                    try Users.setPassword(user.id, hash: hash, now: now, on: db)
                    try PasswordInput.record("user.password_changed", user, on: db)
                    return (user, SecretToken?.none)
                }
                try PasswordInput.record("user.reset_sent", user, on: db)
                let token = try PasswordResets.make(user.id, life: PasswordResets.welcomeLife, now: now, on: db)
                return (user, token)
            }
        }
        await pool.close()
        print(token == nil ? "set the password of \(user.code)" : "made a link for \(user.code)")
        password.say(link: token)
    }
}
