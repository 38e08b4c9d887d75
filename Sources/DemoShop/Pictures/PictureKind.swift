/// What a product looks like, found by the beginnings of the words of its name without the brand, else of its category.
struct PictureKind {
    let draw: @Sendable (inout PictureCanvas) -> Void

    func draw(on canvas: inout PictureCanvas) { draw(&canvas) }

    /// A rule holds when every word of one of its alternatives begins a word of the text: `зубн паст`.
    private struct Rule {
        let stems: [[String]]
        let draw: @Sendable (inout PictureCanvas) -> Void

        init(_ stems: String, _ draw: @escaping @Sendable (inout PictureCanvas) -> Void) {
            self.stems = stems.split(separator: "|").map { $0.split(separator: " ").map(String.init) }
            self.draw = draw
        }

        func holds(_ words: [String]) -> Bool {
            stems.contains { $0.allSatisfy { stem in words.contains { Self.begins($0, stem) } } }
        }

        /// Holds, and the first word is one of those that count: «Мюсли с клубникой» are no strawberries.
        func leads(_ words: [String]) -> Bool {
            guard let first = words.first else { return false }
            return stems.contains { stems in
                stems.contains { Self.begins(first, $0) }
                    && stems.allSatisfy { stem in words.contains { Self.begins($0, stem) } }
            }
        }

        /// A stem that ends with a full stop is a whole word.
        private static func begins(_ word: String, _ stem: String) -> Bool {
            stem.hasSuffix(".") ? word == stem.dropLast() : word.hasPrefix(stem)
        }
    }

    static func of(title: String, category: String) -> PictureKind {
        let (own, wider) = (words(title), words(category))
        let rule =
            rules.first { $0.leads(own) } ?? rules.first { $0.holds(own) } ?? rules.first { $0.leads(wider) }
            ?? rules.first { $0.holds(wider) }
        if let rule { return PictureKind(draw: rule.draw) }
        return PictureKind { canvas in
            let motif = PictureMotif.allCases[canvas.choice(PictureMotif.allCases.count, 1)]
            canvas.box(motif)
        }
    }

    private static func words(_ text: String) -> [String] {
        text.lowercased().replacing("ё", with: "е").split { !$0.isLetter && !$0.isNumber }.map(String.init)
    }

    /// The first rule that holds wins, so the narrow ones stand before the wide ones.
    private static let rules: [Rule] = household + care + food + things

    private static let household: [Rule] = [
        Rule("чайник") { $0.kettle() },
        Rule("дезодорант|лак волос|мусс волос|антиперспирант") { $0.tin(.snow) },
        Rule("корм|лакомств|наполнител") { $0.pouch(.paw) },
        Rule("подгузник|пеленк|салфетк|ватн|прокладк|тампон") { $0.softPack(.heart) },
        Rule("туалетн бумаг|бумажн полотенц|бумажные|бумага туалетн|полотенца бумаж") { $0.rolls() },
        Rule("капсул стирк|порош|таблет посудомо|соль посудомо") { $0.box(.bubbles, wide: 176) },
        Rule("гель стирк|кондиционер бель|кондиционер для белья|ополаскивател бель|отбеливател|пятновыводител|стирк") {
            $0.jug(.bubbles)
        },
        Rule("спрей|стекол|стекл|антижир|освежител|полирол") { $0.spray(.drop) },
        Rule(
            "мыть посуд|мытья посуд|посуд|сантехник|уборк|пол. чист|чистящ|крем чистящ|моющ|для пола|полов|унитаз|кухн чист"
        ) {
            $0.choice(2, 4) == 0 ? $0.flask(.bubbles) : $0.spray(.bubbles)
        },
        Rule("губк|тряпк|перчатк|мешк|пакет|фольг|пергамент|пленк") { $0.box(.wave, wide: 190, high: 150) },
    ]

    private static let care: [Rule] = [
        Rule("зубн паст|паст зубн") { $0.tube(.wave) },
        Rule("щетк|расческ|ершик|кисточк") { $0.brushes() },
        Rule("мыло жидк|жидк мыло|жидкое") { $0.pump(.flower) },
        Rule("мыло") { $0.soap(.flower) },
        Rule("шампун|бальзам|кондиционер|гель|пена|ополаскивател") { $0.flask($0.choice(2) == 0 ? .leaf : .flower) },
        Rule("лосьон|тоник|молочко|мицелляр|флюид") { $0.pump(.drop) },
        Rule("сыворот|масло космет|масло тел|масло волос") { $0.bottle(.drop) },
        Rule("крем рук|крем ног|скраб|солнцезащит|мазь") { $0.tube(.flower) },
        Rule("крем торт|крем суп|крем-чиз") { $0.cup(.wheat) },
        Rule("крем.|крема|маск|патч") { $0.creamJar(.flower) },
        Rule("помад|тушь|блеск|карандаш глаз|карандаш губ|тени|румян|пудр") { $0.lipstick() },
        Rule("лак ногт|парфюм|духи|туалетн вод|одеколон|аромат дома|диффузор") { $0.perfume(.flower) },
        Rule("витамин|таблет|пластыр|бинт|омега|коллаген|бад.") {
            $0.choice(2, 6) == 0 ? $0.jar(.sun) : $0.box(.heart, wide: 176, high: 140)
        },
    ]

    private static let food: [Rule] = [
        Rule("кофе растворим|растворим кофе|сублимирован") { $0.jar(.bean, filling: "#6b4027") },
        Rule("капсул|дрип|дрип-пакет") { $0.box(.bean) },
        Rule("кофе|цикор") { $0.pouch(.bean, valve: true) },
        Rule("чай|чая|пуэр|улун|каркад|матча|ройбуш|сбор травян|иван-чай|листовой") {
            $0.choice(3, 8) == 0 ? $0.pouch(.leaf) : $0.box(.leaf)
        },
        Rule("какао") { $0.tin(.cocoa) },
        Rule("шоколад|плитка") { $0.bar(.cocoa) },
        Rule("конфет|трюфел|торт|пирож|кекс|пряник|рулет|халва|щербет") { $0.box(.heart, wide: 190, high: 170) },
        Rule("мармелад|зефир|пастил|драже|карамел|леденц|жевательн|ирис|батончик") { $0.packet(.berry) },
        Rule("печень|вафл|крекер|сушк|сухар|хлебц|галет") { $0.packet(.wheat) },
        Rule("чипс|попкорн|снек|семеч|орех|миндал|фундук|кешью|арахис|сухофрукт|изюм|курага|финик|чернослив") {
            $0.pouch(.sun)
        },
        Rule("мед.|меда|медов") { $0.jar(.bubbles, filling: "#e29a22") },
        Rule("варень|джем|конфитюр|повидл|пюре") { $0.jar(.berry, filling: "#a32d4b") },
        Rule(
            "соус|горчиц|аджик|хрен|кетчуп|майонез|песто|икра кабач|лечо|паста арахис|паста орех|паста шоколад|томатн паст"
        ) {
            $0.jar(.leaf, filling: "#b5472b")
        },
        Rule("огурц солен|огурц марин|маринован|соленья|квашен|оливк|маслин") { $0.jar(.leaf, filling: "#7f9a45") },
        Rule("сливочн масло|масло сливочн|маргарин|творог|дрожж") { $0.box(.wheat, wide: 200, high: 120) },
        Rule("помидор сок|томат сок") { $0.tin(.leaf) },
        Rule("сок.|сока|нектар|молоко|молочн|кефир|ряженк|сливк|снежок|айран|напиток овсян|напиток минд") {
            $0.gable($0.choice(2) == 0 ? .drop : .berry)
        },
        Rule("масло|уксус|сироп|вода|лимонад|морс|квас|напит|компот|вино|пиво|минеральн|тоник|энергет") {
            $0.bottle($0.choice(2) == 0 ? .drop : .sun)
        },
        Rule("йогурт|сметан|морожен|десерт|пудинг|ряжен|сырок|закваск|мусс") { $0.cup(.berry) },
        Rule("сыр.|сыра|сырн|брынз|моцарел|пармезан|чеддер|гауда") { $0.cheese() },
        Rule("колбас|сосис|сардел|ветчин|бекон|салями|карбонад|бужен") { $0.tray("#c8604f", "#f0b9a6", pieces: 4) },
        Rule("говядин|свинин|фарш|стейк|мясо|баранин|котлет") { $0.tray("#b23b3f", "#eaa09c", pieces: 2) },
        Rule("куриц|курин|цыплен|индейк|филе груд|птиц") { $0.tray("#f0c3ae", "#d99a80", pieces: 2) },
        Rule("лосос|форел|семг|рыба|рыбы|скумбр|треск|минтай|кревет|кальмар|морепрод") {
            $0.tray("#ef8f6b", "#fbd3bf", pieces: 3)
        },
        Rule("консерв|тушен|шпрот|тунец|тунца|сардин|паштет|икра|печень треск|сайра|горбуш") {
            $0.tin(.wave, low: true)
        },
        Rule("горошек|кукуруз|фасол|нут.|сгущ|ананас") { $0.tin(.leaf) },
        Rule("пельмен|вареник|блин|пицц|наггет|замороз|овощн смес") { $0.packet(.snow) },
        Rule("хлеб|батон|багет|лаваш|булк|булоч|рогалик|слойк|пирог|чиабат|каравай") { $0.bread() },
        Rule("яйц|яйцо") { $0.eggs() },
        Rule("перец молот|перец черн|перец горош|приправ|специ") { $0.pouch(.flower) },
        Rule("банан") { $0.long("#f3cf45", tip: "#7a5a24", bent: true) },
        Rule("морков") { $0.long("#ec8a2f", tip: "#4e9a45", tapered: true) },
        Rule("огур|кабач|цукини") { $0.long("#5d9a47", tip: "#c9dd8e") },
        Rule("апельсин|мандарин|хурм|абрикос") { $0.fruit("#f29a2e") },
        Rule("лимон|лайм") { $0.fruit("#f4d544") },
        Rule("груш|авокадо|манго") { $0.fruit("#a9b845", oval: true) },
        Rule("картоф|картош") { $0.fruit("#c9a56b", leaf: "#b58e55", oval: true) },
        Rule("томат|помидор|черри|гранат") { $0.fruit("#d8402f", small: $0.choice(2) == 0) },
        Rule("яблок|нектарин|персик") { $0.fruit(["#cf3f3a", "#9dbb3e", "#e0b23c"][$0.choice(3)]) },
        Rule("виноград|слив|голубик|ягод|вишн|черешн") { $0.fruit("#6a4a9c", small: true) },
        Rule("клубник|малин|перец") { $0.fruit("#d63a45", oval: true) },
        Rule("лук.|лука|чеснок|свекл|редис") { $0.fruit("#a64d79", leaf: "#7a9b4a") },
        Rule("капуст|салат|зелень|укроп|петрушк|брокколи|базилик") { $0.fruit("#7fae4c") },
        Rule("фрукт|овощ") { $0.fruit("#e0793a") },
        Rule("спагет|макарон|лапш|паста|вермишел|рожки|пенне|лазань") { $0.packet(.wheat) },
        Rule("хлопья|хлопьев|шарик|мюсл|гранол|каша|каши|завтрак|сахар|мука|крахмал|панировк") { $0.box(.wheat) },
        Rule("круп|рис.|риса|греч|овсян|чечев|горох|булгур|пшен|перлов|кускус|киноа|манк") { $0.packet(.wheat) },
        Rule("соль|паприк|куркум|корица|ванил|бульон") { $0.pouch(.flower) },
        Rule("смесь|семена|мак.|кунжут|лен.|отруб|клетчат") { $0.pouch(.wheat) },
    ]

    private static let things: [Rule] = [
        Rule("блендер|миксер|кофемол|соковыжим|измельчит|увлажнител|кофевар") { $0.blender() },
        Rule("лампа|лампы|светильник|ночник|торшер|гирлянд|фонар") { $0.lamp() },
        Rule("наушник|гарнитур") { $0.headphones() },
        Rule(
            "тостер|микроволн|духовк|утюг|фен.|пылесос|весы|колонк|часы|обогрев|вентилятор|мультивар|гриль|роутер|принтер|заряд|техник|электрон"
        ) {
            $0.device()
        },
        Rule("сковород|вок.|противень") { $0.pan() },
        Rule("кастрюл|ковш|казан|форм.|форма|утятниц") { $0.pot() },
        Rule("кружк|чашк|стакан|бокал|термос|термокруж|пиал") { $0.mug(.leaf) },
        Rule("полотен|плед|простын|халат|одеял|бель|скатерт|фартук|прихват|коврик|штор") { $0.towels() },
        Rule("подушк|наволоч") { $0.pillow(.flower) },
        Rule("футболк|рубаш|свитер|худи|лонгслив|толстовк|пижам|платье|боди|майк") { $0.shirt(.star) },
        Rule("носк|колгот|гольф|варежк|тапоч") { $0.socks() },
        Rule("мягк игрушк|мишк|медвеж|кукл|заяц|зайчик|плюш") { $0.bear() },
        Rule("конструктор|пазл|кубик|машинк|игрушк|игра|мозаик|головолом") { $0.blocks() },
        Rule("карандаш|фломастер|маркер|ручк|краск|кист") { $0.pencils() },
        Rule("тетрад|блокнот|альбом|ежедневник|бумага|папк") { $0.notebook(.leaf) },
        Rule("свеч") { $0.candle(.flower) },
        Rule("растен|цветок|цветы|горшок|кашпо|рассад") { $0.plant() },
        Rule("книг|раскраск|энциклопед|сказк") { $0.book(.star) },
        Rule("тарелк|миск|салатн|блюд") { $0.dish() },
        Rule("контейнер|банк") { $0.jar(.wheat) },
        Rule("доск|нож|приборы") { $0.box(.star, wide: 190, high: 150) },
        Rule("грунт|удобрен|земля") { $0.pouch(.leaf) },
    ]
}
