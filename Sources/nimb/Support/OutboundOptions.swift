import ArgumentParser
import Outbound

/// Which foreign addresses may be called beside public ones with https; shared by the commands that call any.
struct OutboundOptions: ParsableArguments {
    @Option(
        name: .customLong("outbound-allow"), parsing: .upToNextOption,
        help: ArgumentHelp(
            "Hosts (host or host:port) of feeds, webhooks and the operator that may be plain http and may be private.",
            discussion: "Everything else is called with https and at public addresses only."))
    var allowed: [String] = []

    /// - Parameter local: also this machine, for looking around.
    func policy(local: Bool = false) -> OutboundPolicy {
        OutboundPolicy(allowedHosts: Set(allowed).union(local ? ["127.0.0.1", "localhost"] : []))
    }
}
