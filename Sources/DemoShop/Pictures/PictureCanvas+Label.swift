/// Small drawings on labels, in a square of 40 around the middle.
enum PictureMotif: CaseIterable {
    case leaf, bean, drop, star, flower, wave, paw, berry, wheat, sun, heart, bubbles, cocoa, snow, plain
}

extension PictureCanvas {
    /// Draws a motif around (x, y), `size` wide.
    mutating func motif(_ motif: PictureMotif, _ x: Int, _ y: Int, size: Int, _ one: String, _ two: String) {
        let scale = "\(size / 40).\(size % 40 * 25 / 10 < 10 ? "0" : "")\(size % 40 * 25 / 10)"
        group("translate(\(x) \(y)) scale(\(scale))") { canvas in
            switch motif {
            case .leaf:
                canvas.path("M-16 14 C-18 -8 0 -18 18 -16 C18 4 6 18 -16 14Z", one)
                canvas.stroke("M-18 17 C-8 6 2 -2 11 -9", two, "2.4")
            case .bean:
                canvas.group("rotate(-32)") {
                    $0.ellipse(0, 0, 12, 17, one)
                    $0.stroke("M0 -15 C7 -6 -7 5 0 15", two, "2.6")
                }
            case .drop:
                canvas.path("M0 -19 C9 -6 13 0 13 7 A13 13 0 0 1 -13 7 C-13 0 -9 -6 0 -19Z", one)
                canvas.stroke("M-6 7 A7 7 0 0 0 0 13", two, "2.6")
            case .star:
                canvas.path("M0 -19 L5 -6 L19 -5 L8 4 L12 18 L0 10 L-12 18 L-8 4 L-19 -5 L-5 -6Z", one)
            case .flower:
                for turn in stride(from: 0, to: 360, by: 60) {
                    canvas.group("rotate(\(turn))") { $0.ellipse(0, -11, 6, 9, one) }
                }
                canvas.ellipse(0, 0, 6, 6, two)
            case .wave:
                for y in [-9, 1, 11] {
                    canvas.stroke("M-18 \(y) q6 -8 12 0 t12 0 t12 0", y == 1 ? two : one, "3.4")
                }
            case .paw:
                canvas.ellipse(0, 7, 10, 8, one)
                for (x, y) in [(-13, -3), (-5, -11), (5, -11), (13, -3)] { canvas.ellipse(x, y, 4, 6, one) }
            case .berry:
                canvas.stroke("M-8 6 Q-4 -10 6 -17 Q10 -6 9 4", two, "2.4")
                canvas.ellipse(-9, 9, 9, 9, one)
                canvas.ellipse(9, 8, 9, 9, one)
                canvas.path("M6 -17 q11 -3 13 6 q-10 3 -13 -6Z", two)
            case .wheat:
                canvas.stroke("M0 19 L0 -12", two, "2.4")
                for y in [-8, 0, 8] {
                    canvas.path("M0 \(y + 4) q-12 -1 -11 -12 q11 0 11 12Z", one)
                    canvas.path("M0 \(y + 4) q12 -1 11 -12 q-11 0 -11 12Z", one)
                }
                canvas.ellipse(0, -15, 4, 6, one)
            case .sun:
                for turn in stride(from: 0, to: 360, by: 45) {
                    canvas.group("rotate(\(turn))") { $0.rect(-2, -19, 4, 8, two, r: 2) }
                }
                canvas.ellipse(0, 0, 9, 9, one)
            case .heart:
                canvas.path("M0 17 C-24 0 -17 -17 -7 -15 Q-2 -14 0 -8 Q2 -14 7 -15 C17 -17 24 0 0 17Z", one)
            case .bubbles:
                canvas.ellipse(-7, 5, 11, 11, one)
                canvas.ellipse(10, -5, 8, 8, two)
                canvas.ellipse(11, 12, 4, 4, one)
                canvas.ellipse(-11, 1, 3, 3, "#fff", opacity: ".8")
            case .cocoa:
                canvas.group("rotate(24)") {
                    $0.path("M0 -19 C13 -10 13 10 0 19 C-13 10 -13 -10 0 -19Z", one)
                    $0.stroke("M0 -17 L0 17 M-5 -13 Q-8 0 -5 13 M5 -13 Q8 0 5 13", two, "1.8")
                }
            case .snow:
                for turn in [0, 60, 120] {
                    canvas.group("rotate(\(turn))") {
                        $0.stroke("M0 -18 L0 18 M-5 -14 L0 -9 L5 -14 M-5 14 L0 9 L5 14", one, "2.6")
                    }
                }
            case .plain: canvas.ellipse(0, 0, 12, 12, one)
            }
        }
    }

    /// The label of a package. Three looks, one per product, so that a page of a category is not one picture.
    mutating func label(_ x: Int, _ y: Int, _ w: Int, _ h: Int, _ motif: PictureMotif) {
        switch choice(3) {
        case 0: sheetLabel(x, y, w, h, motif)
        case 1: bandLabel(x, y, w, h, motif)
        default: badgeLabel(x, y, w, h, motif)
        }
    }

    /// A sheet of paper with everything on it.
    private mutating func sheetLabel(_ x: Int, _ y: Int, _ w: Int, _ h: Int, _ motif: PictureMotif) {
        let middle = x + w / 2
        rect(x, y, w, h, colours.paper, r: 8)
        rect(x, y, w, 6, colours.accent, r: 3)
        let picture = h >= 120 ? min(44, h / 4) : 0
        if picture > 0 {
            self.motif(motif, middle, y + 18 + picture / 2, size: picture, colours.accent, colours.main)
        }
        text(words.brand, middle, y + picture + 38, size: 21, width: w - 14, colours.dark, bold: true)
        lines(middle, y + picture + 58, w - 16, until: y + h - 22, colours.ink)
        text(words.amount, middle, y + h - 9, size: 12, width: w - 16, colours.dark)
    }

    /// The brand on a band of the second colour, the rest straight on the package.
    private mutating func bandLabel(_ x: Int, _ y: Int, _ w: Int, _ h: Int, _ motif: PictureMotif) {
        let middle = x + w / 2
        let picture = h >= 130 ? min(52, h / 3) : 0
        rect(x, y, w, 40, colours.paper, r: 5)
        text(words.brand, middle, y + 28, size: 21, width: w - 12, colours.dark, bold: true)
        let below = h - 40
        rect(x, y + 44, w, below - 4, colours.deep, r: 5, opacity: ".55")
        if picture > 0 {
            self.motif(motif, middle, y + 56 + picture / 2, size: picture, colours.pale, colours.accent)
        }
        lines(middle, y + 62 + picture + (picture > 0 ? 12 : 2), w - 14, until: y + h - 22, "#ffffff")
        text(words.amount, middle, y + h - 9, size: 12, width: w - 14, colours.pale)
    }

    /// A round badge with the motif, the brand in white above it.
    private mutating func badgeLabel(_ x: Int, _ y: Int, _ w: Int, _ h: Int, _ motif: PictureMotif) {
        let middle = x + w / 2
        guard h >= 120 else { return sheetLabel(x, y, w, h, motif) }
        rect(x, y, w, 36, colours.deep, r: 5, opacity: ".72")
        text(words.brand, middle, y + 25, size: 20, width: w - 12, "#ffffff", bold: true)
        let radius = min(w / 2 - 4, (h - 44) / 2)
        let centre = y + 44 + radius
        ellipse(middle, centre, radius, radius, colours.paper)
        self.motif(motif, middle, centre - radius / 2 + 2, size: max(20, radius * 2 / 3), colours.accent, colours.main)
        lines(middle, centre + 8, radius * 8 / 5, until: centre + radius - 16, colours.ink)
        text(words.amount, middle, centre + radius - 8, size: 11, width: radius, colours.dark)
    }

    /// The title from `y` on, as many lines as fit above `until`.
    mutating func lines(_ x: Int, _ y: Int, _ width: Int, until: Int, _ fill: String, size: Int = 12) {
        let limit = max(1, min(4, (until - y) / (size + 3) + 1))
        let perLine = max(8, width * 100 / (size * 61))
        for (index, line) in words.lines(width: perLine, limit: limit).enumerated() {
            text(line, x, y + index * (size + 3), size: size, width: width, fill)
        }
    }
}
