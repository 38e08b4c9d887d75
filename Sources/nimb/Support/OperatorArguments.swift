import ArgumentParser
import Foundation
import ORDGateway

/// `--ord-url` and the token of the operator of advertising data.
struct OperatorArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Address of the operator of advertising data, https://api.ord.vk.com; without it finance types the tokens.",
            discussion: "The access token is read from NIMB_ORD_TOKEN."))
    var ordURL: String?

    /// How to call the operator; nil when none is named.
    func options(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> OperatorOptions? {
        guard var url = ordURL else { return nil }
        while url.hasSuffix("/") { url.removeLast() }
        guard let token = environment["NIMB_ORD_TOKEN"], !token.isEmpty else {
            throw Refusal("--ord-url needs the operator's access token in NIMB_ORD_TOKEN.")
        }
        return OperatorOptions(baseURL: url, token: token)
    }
}
