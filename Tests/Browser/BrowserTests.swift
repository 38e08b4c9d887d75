import TestKit
import Testing

/// What people see, in a real browser. One window serves all, so its suites stand inside this one, which is
/// serialized; see `BrowserRig` for how to write a test.
@Suite("Browser", .serialized) struct BrowserTests {}

extension BrowserTests {
    @Suite("Harness") struct HarnessTests {
        @Test func aPageIsOpenedReadAndUsedAndTheNextTestFindsNothingOfIt() async throws {
            try await LocalServer.with({ _ in
                .response(
                    200, headers: [("Content-Type", "text/html; charset=utf-8")],
                    body: Array(
                        """
                        <!doctype html><html lang="ru"><title>Проба</title>
                        <button id="b">Нажми</button><output id="o"></output><script>
                        localStorage.seen = (localStorage.seen || '') + 'x';
                        b.onclick = () => { o.textContent = localStorage.seen + innerWidth + navigator.onLine; };
                        </script></html>
                        """.utf8))
            }) { server in
                for width in [1280, 390] {
                    let browser = try await BrowserRig.shared.browser()
                    try await browser.viewport(width, 844, phone: width < 500)
                    try await browser.open(server.url + "/")
                    #expect(try await browser.find("button").label == "Нажми")
                    try await browser.find("#b").click()
                    try await browser.until("o.textContent != ''")
                    let shown = try await browser.find("#o").text
                    // Without a viewport rule a phone lays the page out for a desktop.
                    #expect(shown == (width == 1280 ? "x1280true" : "x980true"), "nothing is left of the visit before")
                }
            }
        }
    }
}
