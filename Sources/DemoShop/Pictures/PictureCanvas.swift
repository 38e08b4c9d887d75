/// The colours of one picture, from the brand's hue and a second one that tells variants apart.
struct PictureColours {
    let main: String
    let dark: String
    let deep: String
    let light: String
    let pale: String
    let paper: String
    let accent: String
    let accentDark: String
    let ink: String
    let ground: String
    let groundEdge: String

    init(hue: Int, seed: UInt64) {
        let hue = ((hue % 360) + 360) % 360
        let steps = [28, 160, 196, 320, 52, 220]
        let second = hue + steps[Int(seed % UInt64(steps.count))]
        // Yellow and green look brighter than blue at the same lightness, and a dark yellow looks dirty.
        let isYellow = (36...74).contains(hue)
        let bright = isYellow ? 1 : (75...170).contains(hue) ? -5 : 0
        let rich = isYellow ? 24 : 0
        main = Self.hex(isYellow ? 36 + (hue - 36) / 4 : hue, 50 + rich, 46 + bright)
        dark = Self.hex(hue, 52 + rich, 33 + bright - (isYellow ? 4 : 0))
        deep = Self.hex(hue, 48, 21)
        light = Self.hex(hue, 52, 72)
        pale = Self.hex(hue, 48, 88)
        paper = Self.hex(hue, 42, 97)
        accent = Self.hex(second, 68, 56)
        accentDark = Self.hex(second, 60, 40)
        ink = Self.hex(hue, 40, 17)
        ground = Self.hex(hue, 26, 97)
        groundEdge = Self.hex(hue, 24, 91)
    }

    /// `#rrggbb` of hue in degrees, saturation and lightness in percent.
    static func hex(_ hue: Int, _ saturation: Int, _ lightness: Int) -> String {
        let h = Double(((hue % 360) + 360) % 360) / 60
        let s = Double(saturation) / 100
        let l = Double(lightness) / 100
        let c = (1 - abs(2 * l - 1)) * s
        let x = c * (1 - abs(h.truncatingRemainder(dividingBy: 2) - 1))
        let m = l - c / 2
        let (r, g, b): (Double, Double, Double) =
            switch Int(h) {
            case 0: (c, x, 0)
            case 1: (x, c, 0)
            case 2: (0, c, x)
            case 3: (0, x, c)
            case 4: (x, 0, c)
            default: (c, 0, x)
            }
        return "#"
            + [r, g, b].map { part in
                let text = String(Int(((part + m) * 255).rounded()), radix: 16)
                return text.count == 1 ? "0" + text : text
            }.joined()
    }
}

/// An SVG being drawn, 400 x 400; things stand on y = 346.
struct PictureCanvas {
    let words: PictureWords
    let colours: PictureColours
    let seed: UInt64
    private var body = ""

    init(words: PictureWords, colours: PictureColours, seed: UInt64) {
        self.words = words
        self.colours = colours
        self.seed = seed
    }

    /// One of several, told by the name.
    func choice(_ count: Int, _ salt: UInt64 = 0) -> Int {
        Int(((seed >> 7) &+ salt &* 0x9E37_79B9) % UInt64(count))
    }

    mutating func add(_ markup: String) { body += markup }

    mutating func path(_ d: String, _ fill: String, opacity: String? = nil) {
        add("<path d=\"\(d)\" fill=\"\(fill)\"\(opacity.map { " opacity=\"\($0)\"" } ?? "")/>")
    }

    mutating func stroke(_ d: String, _ colour: String, _ width: String, opacity: String = "1") {
        add(
            "<path d=\"\(d)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"\(width)\" stroke-linecap=\"round\" "
                + "stroke-linejoin=\"round\" opacity=\"\(opacity)\"/>")
    }

    mutating func rect(
        _ x: Int, _ y: Int, _ width: Int, _ height: Int, _ fill: String, r: Int = 0, opacity: String? = nil
    ) {
        add(
            "<rect x=\"\(x)\" y=\"\(y)\" width=\"\(width)\" height=\"\(height)\" rx=\"\(r)\" fill=\"\(fill)\""
                + (opacity.map { " opacity=\"\($0)\"" } ?? "") + "/>")
    }

    mutating func ellipse(_ x: Int, _ y: Int, _ rx: Int, _ ry: Int, _ fill: String, opacity: String? = nil) {
        add(
            "<ellipse cx=\"\(x)\" cy=\"\(y)\" rx=\"\(rx)\" ry=\"\(ry)\" fill=\"\(fill)\""
                + (opacity.map { " opacity=\"\($0)\"" } ?? "") + "/>")
    }

    /// A shape in its colour with the light of the room on it: round = a cylinder, else a flat side.
    mutating func solid(_ d: String, _ fill: String, round: Bool = true) {
        path(d, fill)
        path(d, round ? "url(#c)" : "url(#f)")
    }

    mutating func solidRect(_ x: Int, _ y: Int, _ w: Int, _ h: Int, _ fill: String, r: Int = 0, round: Bool = true) {
        rect(x, y, w, h, fill, r: r)
        rect(x, y, w, h, round ? "url(#c)" : "url(#f)", r: r)
    }

    /// The shadow of something that stands from `x` to `x + width`.
    mutating func shadow(_ x: Int, _ width: Int, y: Int = 346) {
        ellipse(x + width / 2, y, width / 2 + 16, 13, "url(#s)")
    }

    /// A line of text that never gets wider than `width`.
    mutating func text(
        _ text: String, _ x: Int, _ y: Int, size: Int, width: Int, _ fill: String, bold: Bool = false,
        anchor: String = "middle"
    ) {
        guard !text.isEmpty else { return }
        // Tenths of the size that a letter takes on average in wide system fonts.
        let letter = bold ? 68 : 61
        let fitting = max(7, min(size, width * 100 / max(1, text.count * letter)))
        var shown = text
        let most = width * 100 / (fitting * letter)
        if shown.count > most { shown = String(shown.prefix(max(1, most - 1))) + "…" }
        add(
            "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(fitting)\" text-anchor=\"\(anchor)\" fill=\"\(fill)\""
                + (bold ? " font-weight=\"700\"" : "") + ">\(Self.escaped(shown))</text>")
    }

    /// Everything between `transform` and its end is moved, turned or scaled.
    mutating func group(_ transform: String, _ draw: (inout PictureCanvas) -> Void) {
        add("<g transform=\"\(transform)\">")
        draw(&self)
        add("</g>")
    }

    func svg(title: String) -> String {
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="400" height="400" \
        font-family="Inter,'PT Sans','Segoe UI',Roboto,'Helvetica Neue','DejaVu Sans',sans-serif">\
        <title>\(Self.escaped(title))</title><defs>\
        <radialGradient id="g" cx=".5" cy=".42" r=".75"><stop offset="0" stop-color="\(colours.ground)"/>\
        <stop offset="1" stop-color="\(colours.groundEdge)"/></radialGradient>\
        <radialGradient id="s"><stop offset="0" stop-color="\(colours.deep)" stop-opacity=".38"/>\
        <stop offset=".6" stop-color="\(colours.deep)" stop-opacity=".16"/>\
        <stop offset="1" stop-color="\(colours.deep)" stop-opacity="0"/></radialGradient>\
        <linearGradient id="c"><stop offset="0" stop-opacity=".2"/><stop offset=".1" stop-opacity=".04"/>\
        <stop offset=".2" stop-color="#fff" stop-opacity=".3"/><stop offset=".36" stop-color="#fff" stop-opacity=".05"/>\
        <stop offset=".7" stop-opacity="0"/><stop offset="1" stop-opacity=".26"/></linearGradient>\
        <linearGradient id="f" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#fff" stop-opacity=".2"/>\
        <stop offset=".5" stop-color="#fff" stop-opacity="0"/><stop offset="1" stop-opacity=".14"/></linearGradient>\
        <radialGradient id="b" cx=".35" cy=".3" r=".8"><stop offset="0" stop-color="#fff" stop-opacity=".5"/>\
        <stop offset=".45" stop-color="#fff" stop-opacity="0"/><stop offset="1" stop-opacity=".28"/></radialGradient>\
        </defs><rect width="400" height="400" fill="url(#g)"/>\(body)</svg>
        """
    }

    static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            // Control characters are no XML at all.
            case _ where scalar.value < 0x20 || scalar.value == 0x7F || (0xFFFE...0xFFFF).contains(scalar.value):
                out += " "
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
