import Mustache

/// One ad format: what a creative consists of, how heavy it may be, how ORD calls it and how it looks. A format is
/// a folder of four files and, if it has looks of its own, a `style.css`; adding a format is adding a folder.
public struct AdFormat: Sendable {
    /// Pictures that a creative of the format carries.
    public struct Media: Sendable, Equatable {
        public let minimum: Int
        public let maximum: Int
        /// Most bytes of one picture.
        public let maximumBytes: Int
        public let contentTypes: [String]
        /// Width and height in pixels that are accepted; empty = any.
        public let sizes: [Size]

        public struct Size: Sendable, Equatable {
            public let width: Int
            public let height: Int
        }
    }

    /// A picture as the validator sees it.
    public struct Picture: Sendable {
        public var contentType: String
        public var width: Int
        public var height: Int
        public var bytes: Int

        public init(contentType: String, width: Int, height: Int, bytes: Int) {
            self.contentType = contentType
            self.width = width
            self.height = height
            self.bytes = bytes
        }
    }

    /// Folder name, as creatives and placements call it.
    public let name: String
    public let title: String
    /// The form that ORD knows, `banner`.
    public let ordForm: String
    /// Click-through rate assumed of a new creative.
    public let priorCTR: Double
    /// Fewest and most product cards; 0 and 0 = none.
    public let minimumCards: Int
    public let maximumCards: Int
    public let media: Media
    public let schema: FieldSchema
    /// The schema of the fields as JSON, for programs.
    public let schemaJSON: String
    /// What the preview shows: `fields`, `pictures`, `products`, `label`, `tracking` as in an answer.
    public let preview: FieldValue
    /// Rules of `style.css`; empty without one. Shops load those of all formats in one file.
    public let stylesheet: String
    /// Rules that all formats share: the label, reserved space.
    public internal(set) var commonStylesheet = ""
    private let template: MustacheTemplate

    /// The files that every format's folder has.
    public static let fileNames = ["format.json", "schema.json", "template.mustache", "preview.json"]

    private static let ordForms: Set<String> = [
        "banner", "text_block", "text_graphic_block", "audio", "video", "live_audio", "live_video", "text_video_block",
        "text_graphic_video_block", "text_audio_block", "text_graphic_audio_block", "text_audio_video_block",
        "text_graphic_audio_video_block", "banner_html5",
    ]

    /// Loads a format from the bytes of its files. Anything unknown or unsafe in them is refused here, once, so that
    /// serving never meets it.
    public init(name: String, files: [String: [UInt8]]) throws(AdFormatError) {
        func file(_ file: String) throws(AdFormatError) -> [UInt8] {
            guard let bytes = files[file] else {
                throw AdFormatError(code: "missing_file", message: "\(name)/\(file) is not there")
            }
            return bytes
        }
        func json(_ path: String) throws(AdFormatError) -> FieldValue {
            do { return try FieldValue(json: file(path)) } catch {
                throw AdFormatError(code: error.code, message: "\(name)/\(path): \(error.message)")
            }
        }
        func bad(_ message: String) -> AdFormatError {
            AdFormatError(code: "bad_format", message: "\(name)/format.json: \(message)")
        }
        self.name = name
        let about = try json("format.json")
        let known: Set = ["title", "ord_form", "prior_ctr", "cards", "media"]
        guard let members = about.object else { throw bad("must be an object") }
        for key in members.keys.sorted() where !known.contains(key) {
            throw AdFormatError(code: "unknown_keyword", message: "\(name)/format.json: \"\(key)\" is not known")
        }
        guard let title = about["title"]?.string, !title.isEmpty else { throw bad("\"title\" is required") }
        guard let form = about["ord_form"]?.string, Self.ordForms.contains(form) else {
            throw bad("\"ord_form\" must be one of \(Self.ordForms.sorted().joined(separator: ", "))")
        }
        guard let prior = about["prior_ctr"]?.double, prior > 0, prior < 1 else {
            throw bad("\"prior_ctr\" must be a number between 0 and 1")
        }
        self.title = title
        ordForm = form
        priorCTR = prior
        minimumCards = about["cards"]?["minimum"]?.int ?? 0
        maximumCards = about["cards"]?["maximum"]?.int ?? 0
        guard (0...16).contains(minimumCards), (minimumCards...16).contains(maximumCards) else {
            throw bad("\"cards\" must be {\"minimum\": 0...16, \"maximum\": minimum...16}")
        }
        media = try Self.media(about["media"], bad)
        let rules = try json("schema.json")
        schemaJSON = rules.json
        do { schema = try FieldSchema(rules) } catch {
            throw AdFormatError(code: error.code, message: "\(name)/schema.json: \(error.message)")
        }
        guard schema.kind == .object else {
            throw AdFormatError(
                code: "bad_schema", message: "\(name)/schema.json: the type of the whole must be object")
        }
        let text = String(decoding: try file("template.mustache"), as: UTF8.self)
        do { template = try TemplateRules.compile(text) } catch {
            throw AdFormatError(code: error.code, message: "\(name)/template.mustache: \(error.message)")
        }
        stylesheet = String(decoding: files["style.css"] ?? [], as: UTF8.self)
        if let word = TemplateRules.firstForbidden(inStyle: stylesheet) {
            throw AdFormatError(code: "bad_style", message: "\(name)/style.css: \(word) is not allowed")
        }
        preview = try json("preview.json")
        let problems = validate(preview["fields"] ?? .object([:]))
        if let first = problems.first {
            throw AdFormatError(
                code: "bad_format", message: "\(name)/preview.json: fields.\(first.path) \(first.message)")
        }
    }

    private static func media(
        _ value: FieldValue?, _ bad: (String) -> AdFormatError
    ) throws(AdFormatError) -> Media {
        guard let value else { return Media(minimum: 0, maximum: 0, maximumBytes: 0, contentTypes: [], sizes: []) }
        guard let minimum = value["minimum"]?.int, let maximum = value["maximum"]?.int, minimum >= 0,
            minimum <= maximum,
            let bytes = value["maximum_bytes"]?.int, bytes > 0,
            let types = value["content_types"]?.array?.compactMap(\.string), !types.isEmpty,
            let sizes = value["sizes"]?.array
        else {
            throw bad("\"media\" must be {\"minimum\", \"maximum\", \"maximum_bytes\", \"content_types\", \"sizes\"}")
        }
        var accepted: [Media.Size] = []
        for size in sizes {
            guard let width = size["width"]?.int, let height = size["height"]?.int, width > 0, height > 0 else {
                throw bad("\"sizes\" must be a list of {\"width\", \"height\"}")
            }
            accepted.append(Media.Size(width: width, height: height))
        }
        return Media(minimum: minimum, maximum: maximum, maximumBytes: bytes, contentTypes: types, sizes: accepted)
    }

    /// Everything that is wrong with a creative's fields; empty = fine.
    public func validate(_ fields: FieldValue) -> [FieldError] {
        var errors: [FieldError] = []
        schema.check(fields, path: "", into: &errors)
        return errors
    }

    /// Everything that is wrong with a creative's pictures; paths are `pictures[0]`.
    public func validate(pictures: [Picture]) -> [FieldError] {
        var errors: [FieldError] = []
        if pictures.count < media.minimum || pictures.count > media.maximum {
            let wanted = media.minimum == media.maximum ? "\(media.minimum)" : "\(media.minimum) to \(media.maximum)"
            errors.append(
                FieldError(
                    path: "pictures", code: "wrong_count", message: "needs \(wanted) pictures, got \(pictures.count)"))
        }
        for (index, picture) in pictures.enumerated() {
            let path = "pictures[\(index)]"
            if picture.bytes > media.maximumBytes {
                errors.append(
                    FieldError(path: path, code: "too_heavy", message: "may have at most \(media.maximumBytes) bytes"))
            }
            if !media.contentTypes.contains(picture.contentType) {
                errors.append(
                    FieldError(
                        path: path, code: "not_allowed",
                        message: "must be one of \(media.contentTypes.joined(separator: ", "))"))
            }
            let fits = media.sizes.contains { $0.width == picture.width && $0.height == picture.height }
            if !media.sizes.isEmpty, !fits {
                let sizes = media.sizes.map { "\($0.width) x \($0.height)" }.joined(separator: ", ")
                errors.append(FieldError(path: path, code: "wrong_size", message: "must be \(sizes) pixels"))
            }
        }
        return errors
    }

    /// HTML of one ad. Every value is escaped; the template decides nothing but the looks.
    ///
    /// To each product it adds what templates cannot work out: `card` (its place, from 0), `price_text` and, when the
    /// old price is higher, `old_price_text` and `discount_text`.
    /// - Parameter ad: the ad as an answer has it: `fields`, `pictures`, `products`, `label`, `tracking`, `token`.
    public func renderHTML(_ ad: FieldValue) -> String {
        template.render(CardTexts.added(to: ad).forTemplate ?? [:] as [String: Any])
    }

    /// HTML of the preview fixture.
    public func renderPreview() -> String { renderHTML(preview) }
}

/// The formats of an installation, by name.
public struct AdFormatSet: Sendable {
    public let formats: [String: AdFormat]

    /// Rules that all formats share.
    public let commonStylesheet: String

    /// - Parameters:
    ///   - folders: bytes of the files by format name and file name, as `AdFormatFiles.read` gives them.
    ///   - commonStylesheet: what all formats share, `_tag/nimb.css`.
    public init(folders: [String: [String: [UInt8]]], commonStylesheet: String = "") throws(AdFormatError) {
        var formats: [String: AdFormat] = [:]
        for (name, files) in folders where !name.hasPrefix("_") {
            var format = try AdFormat(name: name, files: files)
            format.commonStylesheet = commonStylesheet
            formats[name] = format
        }
        self.formats = formats
        self.commonStylesheet = commonStylesheet
    }

    /// The style sheet of a page that shows ads: the common rules, then each format's by name.
    public var stylesheet: String {
        ([commonStylesheet] + formats.sorted { $0.key < $1.key }.map(\.value.stylesheet))
            .filter { !$0.isEmpty }.joined(separator: "\n")
    }

    public subscript(name: String) -> AdFormat? { formats[name] }
}
