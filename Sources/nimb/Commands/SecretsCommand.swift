import ArgumentParser

/// `nimb secrets`: makes the file of keys that the nodes of an installation share.
struct SecretsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets", abstract: "Make the file of keys that the nodes of an installation share.",
        discussion: """
            Copy the file to every node and keep it out of backups that others read: whoever has it can make ad tokens. \
            To rotate, add a line 'token.<id + 1> = <64 hexadecimal digits>' on every node and restart them in turn; \
            remove the old line a day later.
            """)

    @Argument(help: "Where to write it; an existing file is never overwritten.")
    var file: String

    func run() throws {
        try SecretsFile.make(file)
        print("wrote \(file)")
    }
}
