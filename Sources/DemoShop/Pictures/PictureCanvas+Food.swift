/// Food that is not hidden by its package.
extension PictureCanvas {
    /// A heap of round fruit or vegetables of one colour with a paper tag.
    mutating func fruit(_ colour: String, leaf: String = "#5a8f3c", oval: Bool = false, small: Bool = false) {
        let r = small ? 40 : 62
        shadow(82, 236)
        let places =
            small
            ? [(120, 306), (200, 306), (280, 306), (160, 242), (240, 242), (200, 180)]
            : [(134, 284), (266, 284), (200, 186)]
        for (x, y) in places {
            let ry = oval ? r + 10 : r
            ellipse(x, y, r, ry, colour)
            ellipse(x, y, r, ry, "url(#b)")
            stroke("M\(x) \(y - ry + 6) q2 -10 8 -15", "#6b4a2b", "4")
            path("M\(x + 7) \(y - ry - 5) q16 -16 32 -6 q-10 16 -32 6Z", leaf)
        }
        tag(200, 322)
    }

    /// Long vegetables and bananas, side by side.
    mutating func long(_ colour: String, tip: String, tapered: Bool = false, bent: Bool = false) {
        shadow(84, 232)
        for (index, x) in [128, 200, 272].enumerated() {
            group("rotate(\([-14, 3, 16][index]) \(x) 340)") { canvas in
                if bent {
                    canvas.path(
                        "M\(x - 10) 96 Q\(x - 52) 210 \(x + 16) 336 Q\(x + 34) 330 \(x + 30) 318 Q\(x - 2) 210 \(x + 8) 98Z",
                        colour)
                    canvas.path(
                        "M\(x - 10) 96 Q\(x - 52) 210 \(x + 16) 336 Q\(x - 26) 210 \(x - 2) 96Z", "#ffffff",
                        opacity: ".22")
                    canvas.rect(x - 11, 82, 20, 18, tip, r: 4)
                } else if tapered {
                    canvas.solid(
                        "M\(x - 30) 140 Q\(x) 116 \(x + 30) 140 Q\(x + 22) 260 \(x) 344 Q\(x - 22) 260 \(x - 30) 140Z",
                        colour)
                    canvas.stroke("M\(x) 132 q-22 -34 -18 -66 M\(x) 132 l0 -78 M\(x) 132 q22 -34 18 -66", tip, "8")
                } else {
                    canvas.solidRect(x - 28, 96, 56, 246, colour, r: 28)
                    canvas.ellipse(x, 102, 12, 7, tip)
                }
            }
        }
        tag(200, 318)
    }

    /// A small paper tag with the brand, for what has no package.
    mutating func tag(_ x: Int, _ y: Int) {
        rect(x - 66, y - 22, 132, 40, colours.paper, r: 6)
        rect(x - 66, y - 22, 6, 40, colours.main, r: 3)
        text(words.brand, x + 3, y - 3, size: 15, width: 112, colours.dark, bold: true)
        text(words.amount.isEmpty ? words.title : words.amount, x + 3, y + 11, size: 10, width: 112, colours.ink)
    }

    /// A loaf in a paper sleeve.
    mutating func bread() {
        shadow(64, 272)
        let crust = ["#b9783a", "#8a5428", "#cf9350"][choice(3, 5)]
        solid(
            "M66 282 Q58 204 118 190 Q200 164 282 190 Q342 204 334 282 Q332 346 290 346 L110 346 Q68 346 66 282Z",
            crust, round: false)
        for x in [104, 150, 250, 296] {
            stroke("M\(x - 12) 200 q14 16 22 44", "#f0d3a4", "8", opacity: ".85")
        }
        path("M150 346 L144 182 Q200 170 256 182 L250 346Z", colours.paper)
        path("M150 346 L149 316 L251 316 L250 346Z", colours.main)
        text(words.brand, 200, 226, size: 19, width: 96, colours.dark, bold: true)
        lines(200, 250, 92, until: 296, colours.ink)
        text(words.amount, 200, 336, size: 12, width: 90, "#ffffff")
    }

    /// A wedge of cheese.
    mutating func cheese() {
        shadow(66, 268)
        path("M66 250 L252 150 L334 230 L334 250Z", "#ffe08a")
        solid("M66 250 L334 250 L334 346 L66 346Z", "#f6c244", round: false)
        for (x, y, r) in [(112, 312, 17), (296, 284, 13), (302, 328, 8), (160, 276, 9)] {
            ellipse(x, y, r, r, "#d99a1c", opacity: ".55")
            ellipse(x - 2, y + 2, r - 3, r - 3, "#e0a52a", opacity: ".7")
        }
        for (x, y) in [(236, 196), (170, 226), (276, 232)] { ellipse(x, y, 15, 6, "#e9bb4c", opacity: ".8") }
        rect(176, 262, 108, 74, colours.paper, r: 8)
        rect(176, 262, 108, 8, colours.main, r: 4)
        text(words.brand, 230, 294, size: 18, width: 96, colours.dark, bold: true)
        lines(230, 312, 94, until: 326, colours.ink, size: 11)
    }

    /// A tray under film: meat, sausages, fish.
    mutating func tray(_ colour: String, _ vein: String, pieces: Int) {
        shadow(54, 292)
        solid(
            "M58 178 Q58 158 78 158 L322 158 Q342 158 342 178 L332 330 Q330 346 314 346 L86 346 Q70 346 68 330Z",
            "#2f3338", round: false)
        rect(80, 174, 240, 156, "#43484f", r: 12)
        let width = 216 / pieces
        for piece in 0..<pieces {
            let x = 92 + piece * width
            solidRect(x, 188, width - 8, 128, colour, r: min(40, width / 2 - 4))
            stroke("M\(x + width / 4) 214 q\(width / 4) 26 \(width / 8) 74", vein, "5", opacity: ".6")
        }
        path("M80 186 L150 174 L96 330 L80 330Z", "#ffffff", opacity: ".16")
        path("M220 174 L262 174 L206 330 L164 330Z", "#ffffff", opacity: ".1")
        rect(132, 220, 136, 84, colours.paper, r: 6)
        rect(132, 220, 136, 9, colours.main, r: 4)
        text(words.brand, 200, 252, size: 18, width: 124, colours.dark, bold: true)
        lines(200, 270, 122, until: 284, colours.ink, size: 11)
        text(words.amount, 200, 298, size: 10, width: 100, colours.dark)
    }

    /// Ten eggs, half of them seen.
    mutating func eggs() {
        shadow(50, 300)
        let shell = ["#f2dcc4", "#fbf5ec", "#d9ae84"][choice(3, 9)]
        for index in 0..<5 {
            let x = 96 + index * 52
            ellipse(x, 238, 25, 34, shell)
            ellipse(x, 238, 25, 34, "url(#b)")
        }
        var d = "M54 252"
        for _ in 0..<5 { d += " q29 -26 58 0" }
        d += " L340 330 Q338 346 322 346 L78 346 Q62 346 60 330Z"
        solid(d, colours.light, round: false)
        rect(118, 276, 164, 56, colours.paper, r: 8)
        text(words.brand, 200, 300, size: 19, width: 150, colours.dark, bold: true)
        lines(200, 318, 150, until: 320, colours.ink, size: 11)
    }

    /// A bar of soap on its wrapper.
    mutating func soap(_ motif: PictureMotif) {
        shadow(84, 232)
        solidRect(104, 160, 208, 96, colours.main, r: 10, round: false)
        text(words.brand, 208, 198, size: 22, width: 186, "#ffffff", bold: true)
        lines(208, 220, 186, until: 236, colours.pale, size: 12)
        solidRect(84, 256, 216, 90, colours.pale, r: 34, round: false)
        rect(108, 274, 168, 54, colours.light, r: 24, opacity: ".55")
        self.motif(motif, 192, 301, size: 40, colours.main, colours.dark)
    }
}
