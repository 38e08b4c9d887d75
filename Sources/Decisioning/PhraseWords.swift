import AdModel

/// The words of a search phrase as they are compared: lower case, ё as е, without accents and apostrophes; everything
/// that is neither letter nor digit separates. Word forms are another step, by a stemmer.
public enum PhraseWords {
    /// Words of one phrase; two bytes each at least, of a phrase that is cut to `Limits.phrase` characters.
    public static let limit = Limits.phrase / 2
    /// Bytes of a word that are kept.
    public static let wordLimit = 64

    /// Calls `body` with the bytes of each word; they are good until it returns. Nothing is allocated for Latin and
    /// Cyrillic letters once `word` has grown.
    /// - Parameters:
    ///   - phrase: UTF-8; characters after the first `Limits.phrase` are not looked at.
    ///   - word: memory to be reused.
    public static func each(
        of phrase: UnsafeRawBufferPointer, word: inout ContiguousArray<UInt8>, _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        word.removeAll(keepingCapacity: true)
        var decoder = Unicode.UTF8.ForwardParser()
        var bytes = phrase.makeIterator()
        var scalars = 0
        var words = 0
        func end() {
            if !word.isEmpty, words < limit {
                words += 1
                word.withUnsafeBytes { body($0) }
            }
            word.removeAll(keepingCapacity: true)
        }
        while scalars < Limits.phrase {
            let scalar: Unicode.Scalar
            switch decoder.parseScalar(from: &bytes) {
            case .valid(let encoded): scalar = Unicode.UTF8.decode(encoded)
            case .error: scalar = " "
            case .emptyInput:
                end()
                return
            }
            if isMark(scalar) {
                restore(scalar, &word)
                continue
            }
            scalars += 1
            if isSilent(scalar) { continue }
            if !isWord(scalar) {
                end()
                continue
            }
            if word.count < wordLimit { append(scalar, &word) }
        }
        end()
    }

    /// The words of a phrase. Not for the hot path.
    public static func of(_ phrase: String) -> [String] {
        var words: [String] = []
        var word: ContiguousArray<UInt8> = []
        ContiguousArray(phrase.utf8).withUnsafeBytes { bytes in
            each(of: bytes, word: &word) { words.append(String(decoding: $0, as: UTF8.self)) }
        }
        return words
    }

    /// Combining marks: what they make of a letter does not count, but for й, which is another letter than и.
    private static func isMark(_ scalar: Unicode.Scalar) -> Bool { (0x300...0x36F).contains(scalar.value) }

    private static func restore(_ mark: Unicode.Scalar, _ word: inout ContiguousArray<UInt8>) {
        let count = word.count
        guard mark.value == 0x306, count >= 2, word[count - 2] == 0xD0, word[count - 1] == 0xB8 else { return }
        word[count - 1] = 0xB9
    }

    /// Apostrophes, hyphenation and other marks that stand inside words: L'Oréal is one word.
    private static func isSilent(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x27, 0x60, 0xAD, 0x2BC, 0x2019, 0x200B...0x200F, 0x2060, 0xFEFF: true
        default: false
        }
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x400...0x45F: true
        case 0..<0x80: false
        default: scalar.properties.isAlphabetic || scalar.properties.numericType != nil
        }
    }

    private static func append(_ scalar: Unicode.Scalar, _ word: inout ContiguousArray<UInt8>) {
        switch scalar.value {
        case 0x41...0x5A: word.append(UInt8(scalar.value) | 0x20)
        case 0..<0x80: word.append(UInt8(scalar.value))
        case 0x401, 0x451: put(0x435, &word)
        case 0x410...0x42F: put(scalar.value + 0x20, &word)
        case 0x400...0x40F: put(scalar.value + 0x50, &word)
        case 0x430...0x45F: put(scalar.value, &word)
        default:
            for letter in plain(scalar).unicodeScalars where !isMark(letter) {
                word.append(contentsOf: UTF8.encode(letter) ?? UTF8.encodedReplacementCharacter)
            }
        }
    }

    private static func put(_ value: UInt32, _ word: inout ContiguousArray<UInt8>) {
        word.append(UInt8(truncatingIfNeeded: 0xC0 | value >> 6))
        word.append(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
    }

    /// Latin letters without their accents, as shoppers type them.
    private static func plain(_ scalar: Unicode.Scalar) -> String {
        let lower = scalar.properties.lowercaseMapping
        if let first = lower.unicodeScalars.first, first.value > 0x17F { return lower }
        return switch lower {
        case "à", "á", "â", "ã", "ä", "å", "ā", "ă", "ą": "a"
        case "ç", "ć", "ĉ", "ċ", "č": "c"
        case "è", "é", "ê", "ë", "ē", "ĕ", "ė", "ę", "ě": "e"
        case "ì", "í", "î", "ï", "ĩ", "ī", "ĭ", "į": "i"
        case "ñ", "ń", "ņ", "ň": "n"
        case "ò", "ó", "ô", "õ", "ö", "ø", "ō", "ŏ", "ő": "o"
        case "ś", "ŝ", "ş", "š": "s"
        case "ù", "ú", "û", "ü", "ũ", "ū", "ŭ", "ů", "ű", "ų": "u"
        case "ý", "ÿ": "y"
        case "ź", "ż", "ž": "z"
        default: lower
        }
    }
}
