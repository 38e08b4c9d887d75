/// Takes Russian words to their stem, after Martin Porter's Snowball description, so that "кошек" and "кошкам" meet
/// as nearly as the language allows.
public enum RussianStem {
    private static let vowels: Set<Character> = ["а", "е", "и", "о", "у", "ы", "э", "ю", "я"]

    /// The stem of one word in small letters; ё is read as е.
    public static func of(_ word: some StringProtocol) -> String {
        var letters = Array(word.lowercased().map { $0 == "ё" ? "е" : $0 })
        guard let firstVowel = letters.firstIndex(where: vowels.contains) else { return String(letters) }
        let start = firstVowel + 1
        let second = regionTwo(letters)
        perfectiveGerund(&letters, start)
        _ = cut(&letters, ["и"], start)
        if ends(letters, "ость", second) || ends(letters, "ост", second) {
            letters.removeLast(ends(letters, "ость", second) ? 4 : 3)
        }
        if let superlative = ["ейше", "ейш"].first(where: { ends(letters, $0, start) }) {
            letters.removeLast(superlative.count)
            if ends(letters, "нн", start) { letters.removeLast() }
        } else if ends(letters, "нн", start) {
            letters.removeLast()
        } else {
            _ = cut(&letters, ["ь"], start)
        }
        return String(letters)
    }

    /// Endings of a verb's gerund, else of adjectives, verbs and nouns.
    private static func perfectiveGerund(_ letters: inout [Character], _ start: Int) {
        if cutAfterA(&letters, ["вшись", "вши", "в"], start) { return }
        if cut(&letters, ["ывшись", "ившись", "ывши", "ивши", "ыв", "ив"], start) { return }
        _ = cut(&letters, ["ся", "сь"], start)
        if cut(&letters, adjectives, start) {
            if cut(&letters, ["ивш", "ывш", "ующ"], start) { return }
            _ = cutAfterA(&letters, ["ем", "нн", "вш", "ющ", "щ"], start)
            return
        }
        if longest(letters, verbs, afterA: verbsAfterA, start).map({ letters.removeLast($0) }) != nil { return }
        _ = cut(&letters, nouns, start)
    }

    private static let adjectives = [
        "ими", "ыми", "его", "ого", "ему", "ому", "ее", "ие", "ые", "ое", "ей", "ий", "ый", "ой", "ем", "им", "ым",
        "ом", "их", "ых", "ую", "юю", "ая", "яя", "ою", "ею",
    ]
    private static let verbs = [
        "ейте", "уйте", "ила", "ыла", "ена", "ите", "или", "ыли", "ило", "ыло", "ено", "ует", "уют", "ены", "ить",
        "ыть", "ишь", "ей", "уй", "ил", "ыл", "им", "ым", "ен", "ят", "ит", "ыт", "ую", "ю",
    ]
    private static let verbsAfterA = [
        "ете", "йте", "ешь", "нно", "ла", "на", "ли", "ем", "ло", "но", "ет", "ют", "ны", "ть", "й", "л", "н",
    ]
    private static let nouns = [
        "иями", "ями", "ами", "ией", "иям", "ием", "иях", "ев", "ов", "ие", "ье", "еи", "ии", "ей", "ой", "ий", "ям",
        "ем", "ам", "ом", "ах", "ях", "ию", "ью", "ия", "ья", "а", "е", "и", "й", "о", "у", "ы", "ь", "ю", "я",
    ]

    private static func ends(_ letters: [Character], _ ending: String, _ start: Int) -> Bool {
        letters.count - ending.count >= start && letters.suffix(ending.count).elementsEqual(ending)
    }

    /// Removes the longest ending of the list.
    private static func cut(_ letters: inout [Character], _ endings: [String], _ start: Int) -> Bool {
        let found = endings.filter { ends(letters, $0, start) }.max { $0.count < $1.count }
        guard let found else { return false }
        letters.removeLast(found.count)
        return true
    }

    /// The same for endings that stand after а or я, which stays.
    private static func cutAfterA(_ letters: inout [Character], _ endings: [String], _ start: Int) -> Bool {
        guard let length = lengthAfterA(letters, endings, start) else { return false }
        letters.removeLast(length)
        return true
    }

    private static func lengthAfterA(_ letters: [Character], _ endings: [String], _ start: Int) -> Int? {
        endings.filter { ending in
            let place = letters.count - ending.count - 1
            return place >= start && ends(letters, ending, start) && (letters[place] == "а" || letters[place] == "я")
        }.map(\.count).max()
    }

    private static func longest(
        _ letters: [Character], _ endings: [String], afterA: [String], _ start: Int
    ) -> Int? {
        let plain = endings.filter { ends(letters, $0, start) }.map(\.count).max() ?? 0
        let length = max(plain, lengthAfterA(letters, afterA, start) ?? 0)
        return length > 0 ? length : nil
    }

    /// Where R2 begins: after the second vowel-consonant pair.
    private static func regionTwo(_ letters: [Character]) -> Int {
        var pairs = 0
        for index in letters.indices.dropFirst()
        where !vowels.contains(letters[index]) && vowels.contains(letters[index - 1]) {
            pairs += 1
            if pairs == 2 { return index + 1 }
        }
        return letters.count
    }
}
