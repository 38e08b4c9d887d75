/// Things of the household: kitchen, appliances, textiles, toys, paper.
extension PictureCanvas {
    mutating func kettle() {
        shadow(96, 204)
        stroke("M272 166 Q338 150 330 232 Q326 280 280 290", colours.deep, "17")
        solid("M118 176 L92 150 Q84 140 96 136 L140 148Z", colours.dark)
        solid(
            "M134 146 Q140 120 200 118 Q260 120 266 146 L288 314 Q288 330 272 330 L128 330 Q112 330 112 314Z",
            colours.main)
        solidRect(102, 326, 196, 20, colours.deep, r: 8)
        solidRect(150, 104, 100, 24, colours.deep, r: 10)
        ellipse(200, 100, 13, 9, colours.accent)
        plate(200, 270, 116)
    }

    mutating func blender() {
        shadow(126, 148)
        solid("M142 76 L258 76 L244 240 L156 240Z", colours.pale)
        path("M148 146 L252 146 L244 240 L156 240Z", colours.accent, opacity: ".75")
        path("M158 90 L176 90 L180 232 L166 232Z", "#ffffff", opacity: ".5")
        solidRect(136, 56, 128, 24, colours.deep, r: 8)
        solid("M146 240 L254 240 L272 330 Q272 346 256 346 L144 346 Q128 346 128 330Z", colours.main)
        ellipse(200, 280, 17, 17, colours.paper)
        stroke("M200 280 L208 270", colours.dark, "4")
        text(words.brand, 200, 330, size: 17, width: 112, "#ffffff", bold: true)
    }

    /// A machine with a face of buttons: ovens, toasters, scales, routers.
    mutating func device() {
        shadow(66, 268)
        solidRect(66, 158, 268, 172, colours.main, r: 22, round: false)
        rect(88, 180, 156, 128, colours.deep, r: 12)
        rect(96, 188, 140, 112, "#10151b", r: 8, opacity: ".65")
        path("M96 188 L170 188 L120 300 L96 300Z", "#ffffff", opacity: ".1")
        ellipse(290, 214, 22, 22, colours.paper)
        stroke("M290 214 L300 202", colours.dark, "5")
        for x in [272, 290, 308] { ellipse(x, 264, 6, 6, colours.accent) }
        solidRect(92, 328, 40, 18, colours.deep, r: 5)
        solidRect(268, 328, 40, 18, colours.deep, r: 5)
        text(words.brand, 289, 300, size: 14, width: 78, "#ffffff", bold: true)
    }

    mutating func lamp() {
        shadow(130, 140)
        ellipse(200, 198, 118, 84, "#fff3c4", opacity: ".65")
        solid("M150 84 L250 84 L296 204 L104 204Z", colours.main)
        path("M104 204 L296 204 L292 216 L108 216Z", "#fff6d8")
        solidRect(192, 214, 16, 112, colours.deep)
        solid("M140 334 Q142 318 200 318 Q258 318 260 334 L260 346 L140 346Z", colours.dark)
        text(words.brand, 200, 190, size: 18, width: 136, "#ffffff", bold: true)
    }

    mutating func headphones() {
        shadow(96, 208)
        stroke("M112 262 C96 92 304 92 288 262", colours.deep, "20")
        stroke("M118 230 C112 108 288 108 282 230", colours.light, "5")
        for (x, turn) in [(112, 6), (288, -6)] {
            group("rotate(\(turn) \(x) 280)") { canvas in
                canvas.solidRect(x - 36, 222, 72, 118, canvas.colours.main, r: 32)
                canvas.rect(x - 22, 242, 44, 78, canvas.colours.dark, r: 20)
                canvas.ellipse(x, 281, 9, 9, canvas.colours.accent)
            }
        }
        plate(200, 326, 92)
    }

    mutating func pan() {
        shadow(46, 244)
        solidRect(262, 232, 116, 24, "#33302e", r: 12, round: false)
        solid("M40 224 L290 224 L270 316 Q264 346 232 346 L98 346 Q66 346 60 316Z", colours.main)
        ellipse(165, 224, 125, 30, colours.dark)
        ellipse(165, 228, 110, 23, "#2b2b2d")
        path("M80 222 Q120 206 190 208 Q120 214 92 236Z", "#ffffff", opacity: ".18")
        text(words.brand, 165, 302, size: 21, width: 150, "#ffffff", bold: true)
        lines(165, 324, 140, until: 330, colours.pale)
    }

    mutating func pot() {
        shadow(70, 260)
        for x in [48, 308] { solidRect(x, 218, 44, 20, colours.deep, r: 9, round: false) }
        solid("M76 190 L324 190 L318 312 Q316 346 282 346 L118 346 Q84 346 82 312Z", colours.main)
        solid("M70 190 Q74 150 200 148 Q326 150 330 190Z", colours.light)
        solidRect(172, 124, 56, 22, colours.deep, r: 9)
        rect(70, 184, 260, 12, colours.dark, r: 5)
        text(words.brand, 200, 266, size: 25, width: 200, "#ffffff", bold: true)
        lines(200, 292, 190, until: 306, colours.pale, size: 13)
    }

    /// A plate seen from in front of the table.
    mutating func dish() {
        shadow(60, 280)
        ellipse(200, 250, 148, 96, colours.light)
        ellipse(200, 250, 148, 96, "url(#b)")
        ellipse(200, 246, 140, 88, colours.paper)
        ellipse(200, 248, 96, 58, colours.pale)
        ellipse(200, 250, 90, 53, colours.paper)
        stroke("M78 246 A122 76 0 0 1 322 246", colours.main, "4", opacity: ".6")
        text(words.brand, 200, 250, size: 22, width: 150, colours.dark, bold: true)
        lines(200, 272, 130, until: 280, colours.ink)
    }

    mutating func mug(_ motif: PictureMotif) {
        shadow(96, 190)
        stroke("M268 194 Q340 190 334 250 Q328 306 262 306", colours.dark, "20")
        solid("M100 150 L276 150 L270 316 Q268 346 238 346 L138 346 Q108 346 106 316Z", colours.main)
        ellipse(188, 150, 88, 20, colours.pale)
        ellipse(188, 153, 76, 14, "#6b4027")
        self.motif(motif, 188, 232, size: 80, colours.paper, colours.accent)
        text(words.brand, 188, 312, size: 19, width: 140, "#ffffff", bold: true)
    }

    mutating func towels() {
        shadow(70, 260)
        let fills = [colours.main, colours.light, colours.accent, colours.pale]
        for (index, y) in [288, 230, 172, 114].enumerated() {
            let x = 76 + index * 6
            let w = 248 - index * 12
            solidRect(x, y, w, 58, fills[index], r: 26, round: false)
            stroke("M\(x + 22) \(y + 38) L\(x + w - 30) \(y + 38)", "#ffffff", "4", opacity: ".4")
            path("M\(x + w - 28) \(y + 4) q24 24 0 50 q14 -26 0 -50Z", colours.deep, opacity: ".3")
        }
        rect(158, 110, 84, 236, colours.paper, r: 4)
        rect(158, 110, 84, 236, "url(#c)", r: 4, opacity: ".6")
        text(words.brand, 200, 200, size: 17, width: 76, colours.dark, bold: true)
        lines(200, 222, 76, until: 286, colours.ink, size: 11)
        text(words.amount, 200, 322, size: 11, width: 70, colours.dark)
    }

    mutating func shirt(_ motif: PictureMotif) {
        shadow(104, 192)
        let cut =
            "M150 74 Q200 106 250 74 L288 90 L348 164 L306 204 L284 176 L288 340 Q200 354 112 340 L116 176 L94 204 L52 164 L112 90Z"
        solid(cut, colours.main, round: false)
        path("M150 74 Q200 106 250 74 L242 68 Q200 92 158 68Z", colours.dark)
        stroke("M116 176 Q124 140 120 116 M284 176 Q276 140 280 116", colours.deep, "2.5", opacity: ".4")
        self.motif(motif, 200, 196, size: 72, colours.pale, colours.accent)
        text(words.brand, 200, 268, size: 20, width: 140, "#ffffff", bold: true)
    }

    mutating func socks() {
        shadow(84, 232)
        for (index, x) in [96, 196].enumerated() {
            let fill = index == 0 ? colours.main : colours.dark
            solid(
                "M\(x) 84 L\(x + 74) 84 L\(x + 74) 238 Q\(x + 76) 258 \(x + 110) 276 Q\(x + 138) 294 \(x + 128) 322 Q\(x + 120) 346 \(x + 84) 344 Q\(x + 10) 340 \(x) 280Z",
                fill, round: false)
            rect(x, 84, 74, 26, colours.accent, r: 5)
            for y in [128, 146] { rect(x, y, 74, 7, colours.pale, opacity: ".8") }
            path(
                "M\(x + 128) 322 Q\(x + 120) 346 \(x + 84) 344 Q\(x + 84) 312 \(x + 118) 282 Q\(x + 136) 300 \(x + 128) 322Z",
                colours.accent)
        }
        rect(148, 168, 104, 50, colours.paper, r: 6)
        text(words.brand, 200, 190, size: 16, width: 96, colours.dark, bold: true)
        text(words.amount.isEmpty ? words.title : words.amount, 200, 207, size: 10, width: 96, colours.ink)
    }

    mutating func pillow(_ motif: PictureMotif) {
        shadow(60, 280)
        solid(
            "M62 140 Q76 126 104 136 Q200 152 296 136 Q324 126 338 140 Q350 158 334 186 Q322 240 334 300 Q350 330 338 342 Q322 354 296 342 Q200 326 104 342 Q78 354 62 342 Q50 328 66 300 Q78 240 66 186 Q50 156 62 140Z",
            colours.light, round: false)
        stroke("M92 160 Q200 178 308 160 M92 322 Q200 304 308 322", colours.main, "3", opacity: ".55")
        self.motif(motif, 200, 214, size: 62, colours.main, colours.accent)
        text(words.brand, 200, 278, size: 20, width: 180, colours.dark, bold: true)
    }

    mutating func bear() {
        shadow(100, 200)
        let fur = ["#c08a54", "#a7744a", "#d7b188", "#9a8f88"][choice(4, 2)]
        for x in [142, 258] { solidDisc(x, 104, 30, fur); ellipse(x, 104, 16, 16, "#ecd2b2") }
        for x in [112, 288] { solidDisc(x, 244, 30, fur) }
        solidDisc(200, 262, 88, fur)
        ellipse(200, 276, 54, 56, "#ecd2b2")
        for x in [142, 258] { solidDisc(x, 326, 32, fur); ellipse(x, 330, 18, 18, "#ecd2b2") }
        solidDisc(200, 142, 72, fur)
        ellipse(200, 168, 34, 26, "#ecd2b2")
        for x in [172, 228] { ellipse(x, 132, 7, 8, "#2a1c12") }
        ellipse(200, 156, 11, 8, "#2a1c12")
        stroke("M200 164 L200 174 Q188 184 180 176 M200 174 Q212 184 220 176", "#2a1c12", "3")
        path("M150 212 L196 226 L150 244Z M250 212 L204 226 L250 244Z", colours.main)
        ellipse(200, 227, 10, 10, colours.dark)
        text(words.brand, 200, 290, size: 14, width: 84, "#6b4527", bold: true)
    }

    /// Building blocks: sets, puzzles, cars without a better picture.
    mutating func blocks() {
        shadow(66, 268)
        let fills = [colours.main, colours.accent, colours.light, colours.dark, colours.accentDark]
        for (index, place) in [(70, 252), (164, 252), (258, 252), (116, 158), (212, 158)].enumerated() {
            let (x, y) = place
            for knob in [12, 50] { solidRect(x + knob, y - 14, 28, 18, fills[index], r: 5) }
            solidRect(x, y, 90, 94, fills[index], r: 7, round: false)
        }
        rect(122, 272, 156, 54, colours.paper, r: 8)
        text(words.brand, 200, 296, size: 19, width: 144, colours.dark, bold: true)
        lines(200, 314, 146, until: 318, colours.ink, size: 11)
    }

    mutating func notebook(_ motif: PictureMotif) {
        shadow(104, 200)
        solidRect(128, 78, 176, 266, "#f3efe6", r: 6, round: false)
        solidRect(116, 70, 176, 276, colours.main, r: 10, round: false)
        rect(116, 70, 26, 276, colours.deep, r: 8, opacity: ".6")
        for y in stride(from: 92, to: 340, by: 24) { stroke("M108 \(y) L128 \(y)", "#d9dde2", "5") }
        rect(158, 104, 116, 96, colours.paper, r: 6)
        text(words.brand, 216, 136, size: 18, width: 108, colours.dark, bold: true)
        lines(216, 158, 104, until: 190, colours.ink, size: 11)
        self.motif(motif, 216, 268, size: 84, colours.light, colours.accent)
    }

    mutating func pencils() {
        shadow(112, 176)
        let fills = ["#e4573d", "#f2b632", "#4aa564", "#3d7fd0", "#8b5bb8"]
        for (index, x) in [122, 156, 190, 224, 258].enumerated() {
            group("rotate(\([-9, -4, 0, 5, 10][index]) \(x) 340)") { canvas in
                canvas.path("M\(x - 13) 112 L\(x) 68 L\(x + 13) 112Z", "#ecd0a4")
                canvas.path("M\(x - 5) 86 L\(x) 68 L\(x + 5) 86Z", fills[index])
                canvas.solidRect(x - 13, 110, 26, 220, fills[index])
            }
        }
        solid("M112 214 L288 214 L280 332 Q279 346 266 346 L134 346 Q121 346 120 332Z", colours.main)
        label(130, 226, 140, 108, .star)
    }

    mutating func candle(_ motif: PictureMotif) {
        shadow(110, 180)
        path("M200 62 Q222 96 200 118 Q178 96 200 62Z", "#f7b733")
        path("M200 82 Q211 100 200 114 Q189 100 200 82Z", "#fff2c2")
        stroke("M200 114 L200 142", "#3d3530", "3.5")
        solid("M112 150 L288 150 L288 322 Q288 346 264 346 L136 346 Q112 346 112 322Z", colours.light)
        ellipse(200, 150, 88, 17, colours.paper)
        label(132, 186, 136, 136, motif)
    }

    mutating func plant() {
        shadow(120, 160)
        for (turn, length) in [(-52, 116), (-28, 140), (0, 158), (28, 140), (52, 116)] {
            group("rotate(\(turn) 200 236)") { canvas in
                canvas.path(
                    "M200 236 Q168 \(236 - length / 2) 200 \(236 - length) Q232 \(236 - length / 2) 200 236Z",
                    turn % 4 == 0 ? "#4f9a56" : "#3f8348")
                canvas.stroke("M200 236 L200 \(246 - length)", "#2f6a38", "2.5", opacity: ".6")
            }
        }
        solid("M122 230 L278 230 L262 330 Q260 346 244 346 L156 346 Q140 346 138 330Z", colours.main)
        solidRect(112, 218, 176, 28, colours.dark, r: 6)
        text(words.brand, 200, 292, size: 19, width: 118, "#ffffff", bold: true)
    }

    mutating func book(_ motif: PictureMotif) {
        shadow(104, 200)
        path("M116 78 L288 66 L304 76 L304 330 L126 346 L116 336Z", colours.deep)
        path("M122 336 L298 322 L304 330 L126 346Z", "#f5f0e4")
        solid("M108 70 L284 58 L284 322 L108 336Z", colours.main, round: false)
        stroke("M124 70 L124 334", "#000000", "3", opacity: ".2")
        self.motif(motif, 200, 150, size: 92, colours.pale, colours.accent)
        text(words.brand, 202, 234, size: 20, width: 144, "#ffffff", bold: true)
        lines(202, 260, 144, until: 304, colours.pale)
    }

    /// A brush with a long handle: teeth, hair, dishes.
    mutating func brushes() {
        shadow(126, 148)
        for (index, x) in [158, 242].enumerated() {
            let fill = index == 0 ? colours.main : colours.accent
            group("rotate(\(index == 0 ? -7 : 7) \(x) 340)") { canvas in
                canvas.solidRect(x - 9, 130, 18, 212, fill, r: 9)
                canvas.solidRect(x - 14, 58, 28, 92, fill, r: 10)
                for y in stride(from: 66, to: 136, by: 9) {
                    canvas.rect(x + 12, y, 26, 6, index == 0 ? canvas.colours.pale : "#ffffff", r: 2)
                }
            }
        }
        tag(200, 300)
    }

    /// A small tube of lipstick or a pen of mascara.
    mutating func lipstick() {
        shadow(128, 144)
        solid("M172 138 L172 96 Q172 78 214 62 Q228 70 228 96 L228 138Z", colours.accent)
        solidRect(164, 136, 72, 66, "#d9c07c", r: 3)
        solidRect(150, 200, 100, 146, colours.deep, r: 6)
        text(words.brand, 200, 282, size: 17, width: 90, "#e9d9a8", bold: true)
        lines(200, 304, 88, until: 330, colours.pale, size: 10)
    }

    mutating func perfume(_ motif: PictureMotif) {
        shadow(104, 192)
        solidRect(172, 78, 56, 52, colours.deep, r: 6)
        solidRect(184, 128, 32, 24, "#d9c07c")
        solidRect(108, 150, 184, 196, colours.light, r: 22, round: false)
        rect(120, 206, 160, 128, colours.accent, r: 14, opacity: ".55")
        path("M126 168 L150 162 L138 330 L124 322Z", "#ffffff", opacity: ".5")
        self.motif(motif, 200, 192, size: 40, colours.main, colours.dark)
        rect(136, 224, 128, 84, colours.paper, r: 6)
        text(words.brand, 200, 258, size: 20, width: 116, colours.dark, bold: true)
        lines(200, 280, 114, until: 298, colours.ink, size: 11)
    }

    /// A name plate on something that has no label.
    private mutating func plate(_ x: Int, _ y: Int, _ width: Int) {
        rect(x - width / 2, y - 18, width, 28, colours.paper, r: 6)
        text(words.brand, x, y + 2, size: 16, width: width - 10, colours.dark, bold: true)
    }

    private mutating func solidDisc(_ x: Int, _ y: Int, _ r: Int, _ fill: String) {
        ellipse(x, y, r, r, fill)
        ellipse(x, y, r, r, "url(#b)")
    }
}
