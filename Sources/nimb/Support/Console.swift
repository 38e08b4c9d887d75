import Foundation

/// What a command says to the person or script that started it. Written at once, so that a line is there when the
/// thing it announces is, also through a pipe.
enum Console {
    /// One line on standard output.
    static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

    /// One line on standard error.
    static func warn(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }
}
