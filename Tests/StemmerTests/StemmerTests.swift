import Testing

@Suite("Stemmer") struct StemmerTests {}
