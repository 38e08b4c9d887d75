import Testing

@Suite("Browser", .serialized) struct BrowserTests {}
