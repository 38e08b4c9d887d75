/// Packages that stand: bags, boxes, bottles, jars, tubes, tins.
extension PictureCanvas {
    /// A bag that stands by itself: coffee, nuts, food for pets.
    mutating func pouch(_ motif: PictureMotif, valve: Bool = false) {
        shadow(100, 200)
        let bag = "M120 82 C114 150 104 250 99 328 Q99 346 116 346 L284 346 Q301 346 301 328 C296 250 286 150 280 82Z"
        solid(bag, colours.main)
        path(
            "M101 318 Q200 296 299 318 L301 330 Q301 346 284 346 L116 346 Q99 346 99 330Z", colours.deep, opacity: ".28"
        )
        solidRect(116, 62, 168, 26, colours.dark, r: 4)
        stroke("M122 80 L278 80", "#ffffff", "1.4", opacity: ".45")
        if valve {
            ellipse(200, 112, 8, 8, colours.deep, opacity: ".5")
            ellipse(200, 112, 4, 4, colours.pale, opacity: ".7")
        }
        label(130, 134, 140, 168, motif)
    }

    /// A flat bag welded at both ends: crisps, biscuits, groats.
    mutating func packet(_ motif: PictureMotif) {
        shadow(106, 188)
        var d = "M112 66"
        for step in 0..<16 { d += " l5.5 \(step % 2 == 0 ? -6 : 6) l5.5 \(step % 2 == 0 ? 6 : -6)" }
        d += " C296 140 300 260 290 346"
        for step in 0..<16 { d += " l-5.6 \(step % 2 == 0 ? -5 : 5) l-5.6 \(step % 2 == 0 ? 5 : -5)" }
        d += " C100 260 104 140 112 66Z"
        solid(d, colours.main)
        stroke("M112 88 L288 88 M111 326 L289 326", "#ffffff", "1.4", opacity: ".4")
        path("M128 100 Q146 210 132 316 Q116 210 128 100Z", "#ffffff", opacity: ".22")
        label(134, 116, 132, 186, motif)
    }

    /// A carton with a side and a top: tea, cereals, powder.
    mutating func box(_ motif: PictureMotif, wide: Int = 156, high: Int = 232) {
        let x = 200 - (wide + 36) / 2
        let y = 346 - high
        shadow(x - 4, wide + 44)
        path("M\(x + wide) \(y) l36 -18 l0 \(high - 6) l-36 24Z", colours.deep)
        path("M\(x) \(y) l36 -18 l\(wide) 0 l-36 18Z", colours.light)
        solidRect(x, y, wide, high, colours.main, round: false)
        path(
            "M\(x) \(y + high) l0 -\(high / 4) q\(wide / 2) -\(high / 6) \(wide) \(high / 12) l0 \(high / 6)Z",
            colours.accent, opacity: ".85")
        path("M\(x + wide) \(y) l36 -18 l0 10 l-36 18Z", colours.accent, opacity: ".6")
        label(x + 12, y + 16, wide - 24, min(high - 34, 176), motif)
    }

    /// A bar of chocolate, half out of its wrapper.
    mutating func bar(_ motif: PictureMotif) {
        shadow(118, 164)
        group("rotate(-5 200 210)") { canvas in
            let brown = ["#5b3320", "#4a2717", "#7a4a2d", "#efe0c4"][canvas.choice(4, 3)]
            let line = brown == "#efe0c4" ? "#d8c39c" : "#351a0d"
            canvas.solidRect(132, 58, 136, 110, brown, r: 6, round: false)
            canvas.stroke(
                "M132 94 L268 94 M132 130 L268 130 M166 58 L166 168 M200 58 L200 168 M234 58 L234 168", line, "3",
                opacity: ".7")
            canvas.path(
                "M126 132 l12 -9 l14 10 l13 -12 l12 11 l14 -10 l13 11 l12 -11 l14 9 l13 -10 l12 12 l14 -9 l5 4 l0 14 l-148 0Z",
                "#dfe3e8")
            canvas.solidRect(122, 144, 156, 202, canvas.colours.main, r: 4, round: false)
            canvas.label(134, 160, 132, 168, motif)
        }
    }

    /// A bottle with a neck: oil, lemonade, wine, syrup.
    mutating func bottle(_ motif: PictureMotif) {
        shadow(144, 112)
        solidRect(180, 44, 40, 30, colours.accentDark, r: 5)
        let glass =
            "M184 72 L184 112 C184 136 148 146 146 186 L146 328 Q146 346 164 346 L236 346 Q254 346 254 328 L254 186 C252 146 216 136 216 112 L216 72Z"
        solid(glass, colours.main)
        path(
            "M158 190 Q156 260 160 334 Q150 330 150 320 L150 196 Q152 176 166 160 Q160 174 158 190Z", "#ffffff",
            opacity: ".35")
        label(146, 196, 108, 124, motif)
    }

    /// A bottle with a pump: soap, shampoo, lotion.
    mutating func pump(_ motif: PictureMotif) {
        shadow(130, 140)
        solidRect(193, 82, 14, 44, colours.pale)
        solid(
            "M156 66 Q158 58 170 58 L214 58 Q224 58 224 70 L224 84 L184 84 Q172 84 164 92 L152 94 Q148 78 156 66Z",
            colours.paper)
        solidRect(178, 122, 44, 34, colours.paper, r: 4)
        solid(
            "M132 190 Q132 152 170 152 L230 152 Q268 152 268 190 L268 322 Q268 346 244 346 L156 346 Q132 346 132 322Z",
            colours.main)
        label(140, 184, 120, 142, motif)
    }

    /// A bottle that stands on its cap: shampoo, balm, washing-up liquid.
    mutating func flask(_ motif: PictureMotif) {
        shadow(136, 128)
        solid("M134 104 Q134 78 164 76 L236 76 Q266 78 266 104 L262 306 L138 306Z", colours.main)
        solidRect(144, 302, 112, 44, colours.accentDark, r: 8)
        stroke("M144 312 L256 312", "#ffffff", "1.5", opacity: ".35")
        label(144, 104, 112, 176, motif)
    }

    /// A bottle with a trigger: everything that is sprayed at home.
    mutating func spray(_ motif: PictureMotif) {
        shadow(142, 116)
        solid("M234 106 Q240 136 264 150 L255 158 Q228 146 220 112Z", colours.accentDark)
        solid("M176 134 L176 100 Q176 78 198 78 L262 78 L262 102 L242 106 Q230 112 230 134Z", colours.paper)
        solidRect(260, 80, 16, 20, colours.accent, r: 3)
        solid(
            "M148 186 Q148 164 174 158 L180 132 L222 132 L228 158 Q252 164 252 186 L258 326 Q258 346 240 346 L160 346 Q142 346 142 326Z",
            colours.main)
        label(150, 184, 100, 140, motif)
    }

    /// A canister with a handle: liquid detergent, softener.
    mutating func jug(_ motif: PictureMotif) {
        shadow(118, 172)
        solidRect(148, 62, 66, 44, colours.accent, r: 7)
        stroke(
            "M158 68 L158 100 M170 68 L170 100 M182 68 L182 100 M194 68 L194 100 M205 68 L205 100", "#000000", "2",
            opacity: ".14")
        solid(
            "M118 168 Q118 132 152 122 L152 102 L210 102 L212 114 L262 128 Q286 136 286 162 L286 324 Q286 346 264 346 L140 346 Q118 346 118 324Z",
            colours.main)
        path("M244 152 Q268 152 268 174 L268 226 Q268 244 256 244 Q244 244 244 228Z", colours.groundEdge)
        path("M244 152 Q268 152 268 174 L268 182 Q262 166 244 164Z", colours.deep, opacity: ".35")
        label(128, 172, 110, 152, motif)
    }

    /// A glass jar with a lid: honey, jam, instant coffee. `filling` shows through.
    mutating func jar(_ motif: PictureMotif, filling: String? = nil) {
        shadow(116, 168)
        let glass =
            "M128 166 Q116 176 116 198 L116 318 Q116 346 146 346 L254 346 Q284 346 284 318 L284 198 Q284 176 272 166Z"
        solid(glass, filling ?? colours.light)
        path(
            "M126 200 Q124 270 130 330 Q120 324 120 312 L120 204 Q122 186 136 178 Q128 188 126 200Z", "#ffffff",
            opacity: ".5")
        solidRect(124, 122, 152, 46, colours.accentDark, r: 8)
        stroke("M126 156 L274 156", "#000000", "2", opacity: ".18")
        label(130, 186, 140, 142, motif)
    }

    /// A low jar of cream.
    mutating func creamJar(_ motif: PictureMotif) {
        shadow(96, 208)
        solidRect(104, 176, 192, 76, colours.dark, r: 12)
        self.motif(motif, 200, 214, size: 40, colours.pale, colours.accent)
        solid("M98 250 L302 250 L302 312 Q302 346 268 346 L132 346 Q98 346 98 312Z", colours.paper)
        text(words.brand, 200, 286, size: 22, width: 176, colours.dark, bold: true)
        lines(200, 306, 172, until: 322, colours.ink, size: 11)
        text(words.amount, 200, 338, size: 10, width: 100, colours.dark)
    }

    /// A tube on its cap: toothpaste, hand cream.
    mutating func tube(_ motif: PictureMotif) {
        shadow(146, 108)
        solid("M134 66 L266 66 L248 300 L152 300Z", colours.main)
        solidRect(130, 52, 140, 20, colours.light, r: 2, round: false)
        stroke(
            "M140 54 L140 70 M152 54 L152 70 M164 54 L164 70 M176 54 L176 70 M188 54 L188 70 M200 54 L200 70 M212 54 L212 70 M224 54 L224 70 M236 54 L236 70 M248 54 L248 70 M260 54 L260 70",
            "#000000", "1", opacity: ".18")
        path("M170 298 Q196 200 262 150 L248 300Z", colours.accent, opacity: ".75")
        solidRect(160, 298, 80, 48, colours.paper, r: 6)
        label(152, 94, 96, 178, motif)
    }

    /// A tin, tall or low.
    mutating func tin(_ motif: PictureMotif, low: Bool = false) {
        let top = low ? 224 : 118
        let (x, w) = low ? (92, 216) : (116, 168)
        let half = w / 2
        shadow(x, w)
        solid("M\(x) \(top) L\(x) 330 A\(half) 16 0 0 0 \(x + w) 330 L\(x + w) \(top)Z", "#c9ced6")
        solid(
            "M\(x) \(top + 16) L\(x) 318 A\(half) 16 0 0 0 \(x + w) 318 L\(x + w) \(top + 16) A\(half) 16 0 0 1 \(x) \(top + 16)Z",
            colours.main)
        ellipse(200, top, half, 17, "#e8ebf0")
        ellipse(200, top, half - 12, 12, "#d3d8df")
        stroke("M200 \(top + 4) q14 -12 26 -2 q4 8 -10 6", "#9aa2ad", "3")
        if low {
            text(words.brand, 200, 278, size: 24, width: 180, "#ffffff", bold: true)
            lines(200, 298, 170, until: 314, colours.pale)
        } else {
            label(132, 152, 136, 160, motif)
        }
    }

    /// A milk carton with a gable.
    mutating func gable(_ motif: PictureMotif) {
        shadow(120, 160)
        path("M250 154 L286 138 L286 328 L250 346Z", colours.dark)
        path("M250 154 L286 138 L276 96Z", colours.deep, opacity: ".55")
        path("M122 154 L152 96 L276 96 L250 154Z", colours.light)
        solidRect(150, 74, 128, 24, colours.pale, r: 2, round: false)
        solidRect(122, 154, 128, 192, colours.paper, round: false)
        path("M122 346 L122 290 Q180 262 250 300 L250 346Z", colours.main)
        ellipse(206, 126, 17, 11, colours.accentDark)
        ellipse(206, 122, 17, 11, colours.accent)
        text(words.brand, 186, 186, size: 20, width: 112, colours.dark, bold: true)
        self.motif(motif, 186, 220, size: 44, colours.accent, colours.main)
        lines(186, 256, 112, until: 282, colours.ink)
        text(words.amount, 186, 334, size: 14, width: 110, "#ffffff", bold: true)
    }

    /// A cup with a foil lid: yoghurt, curd, ice cream.
    mutating func cup(_ motif: PictureMotif) {
        shadow(136, 128)
        solid("M120 178 L280 178 L262 332 Q260 346 246 346 L154 346 Q140 346 138 332Z", colours.paper)
        path("M128 246 Q200 214 272 246 L264 318 Q200 340 136 318Z", colours.main)
        solid("M112 160 Q112 152 122 152 L278 152 Q288 152 288 160 L284 182 L116 182Z", colours.light)
        path("M284 158 q16 4 14 20 q-8 2 -14 -2Z", colours.light)
        text(words.brand, 200, 212, size: 20, width: 130, colours.dark, bold: true)
        self.motif(motif, 200, 262, size: 42, colours.paper, colours.accent)
        lines(200, 300, 118, until: 316, "#ffffff", size: 11)
    }

    /// A soft pack with a handle: nappies, cotton, wipes.
    mutating func softPack(_ motif: PictureMotif) {
        shadow(84, 232)
        stroke("M168 142 Q200 96 232 142", colours.light, "9")
        solid(
            "M92 174 Q90 140 128 138 L272 138 Q310 140 308 174 Q316 240 308 316 Q306 346 272 346 L128 346 Q94 346 92 316 Q84 240 92 174Z",
            colours.main, round: false)
        path("M100 186 Q112 240 102 312 Q92 240 100 186Z", "#ffffff", opacity: ".3")
        label(124, 164, 152, 158, motif)
    }

    /// Two rolls of paper, one on the other.
    mutating func rolls() {
        shadow(112, 176)
        for (y, x) in [(226, 112), (104, 124)] {
            let w = 176
            solid("M\(x) \(y) L\(x) \(y + 100) A\(w / 2) 20 0 0 0 \(x + w) \(y + 100) L\(x + w) \(y)Z", "#fbfaf7")
            path(
                "M\(x) \(y + 44) A\(w / 2) 20 0 0 0 \(x + w) \(y + 44) L\(x + w) \(y + 78) A\(w / 2) 20 0 0 1 \(x) \(y + 78)Z",
                colours.main)
            ellipse(x + w / 2, y, w / 2, 21, "#ffffff")
            ellipse(x + w / 2, y, w / 2 - 20, 15, "none")
            stroke("M\(x + 24) \(y) A64 14 0 1 0 \(x + 152) \(y) A64 14 0 1 0 \(x + 24) \(y)", "#e2ded6", "1.6")
            ellipse(x + w / 2, y, 24, 7, "#b79f82")
            ellipse(x + w / 2, y + 1, 18, 4, "#6f5b45")
            text(words.brand, x + w / 2, y + 84, size: 18, width: 150, "#ffffff", bold: true)
        }
    }
}
