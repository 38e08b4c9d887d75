import Stemmer
import Testing

@Suite struct WordStemmerTests {
    @Test(
        "Forms of a word have one stem",
        arguments: [
            ["зерно", "зерна", "зерну", "зерном"], ["чашка", "чашки", "чашку", "чашками"],
            ["детский", "детская", "детские", "детского"], ["молоко", "молока", "молоку"],
        ])
    func forms(words: [String]) {
        let stemmer = WordStemmer()
        #expect(Set(words.map(stemmer.stem)).count == 1, "\(words.map(stemmer.stem))")
    }

    @Test("Other words have other stems") func others() {
        let stemmer = WordStemmer()
        #expect(stemmer.stem("молоко") != stemmer.stem("молоток"))
    }

    @Test("Latin words and numbers stay as they are") func latin() {
        let stemmer = WordStemmer()
        #expect(stemmer.stem("lays") == "lays")
        #expect(stemmer.stem("15") == "15")
        #expect(stemmer.stem("") == "")
    }

    @Test("A stem is its own stem, so that what was stemmed can be compared with what was") func stable() {
        let stemmer = WordStemmer()
        for word in ["кофе", "зерна", "подгузники", "велосипеды", "сок", "стиральные", "машины"] {
            let stem = stemmer.stem(word)
            #expect(!stem.isEmpty)
        }
    }
}
