import AdModel
import Foundation
import FoundationXML
import Store

/// Streams a YML feed: one offer at a time, categories gathered, everything else passed over.
final class FeedParser: NSObject, XMLParserDelegate {
    private let zone: TimeZone
    private let onOffer: (CatalogueOffer) throws -> Void
    private let onProgress: () -> Void

    private(set) var tally = FeedTally()
    private(set) var date: Timestamp?
    private var rawCategories: [(code: String, parent: String?, name: String)] = []

    private var stack: [String] = []
    private var offer: OfferBuilder?
    private var category: (code: String, parent: String?)?
    private var field: OfferBuilder.Field?
    private var paramName = ""
    private var text = ""
    private var capturing = false
    private var overflow = false
    /// Why parsing was stopped, beside what the XML parser itself reports.
    private var failure: (any Error)?

    init(
        zone: TimeZone, onOffer: @escaping (CatalogueOffer) throws -> Void, onProgress: @escaping () -> Void
    ) {
        self.zone = zone
        self.onOffer = onOffer
        self.onProgress = onProgress
    }

    /// Reads to the end. Throws `FeedError`, or what `onOffer` threw.
    func parse(_ stream: FeedStream) throws {
        let parser = XMLParser(stream: stream)
        parser.shouldResolveExternalEntities = false
        parser.delegate = self
        let finished = parser.parse()
        if let failure { throw failure }
        guard !stream.isBadUTF8 else {
            throw FeedError.notWellFormed(line: parser.lineNumber, reason: "bytes that are not UTF-8")
        }
        guard finished, stack.isEmpty, stream.streamError == nil else {
            let reason = parser.parserError.map { "parser error \(($0 as NSError).code)" } ?? "unexpected end"
            throw FeedError.notWellFormed(line: parser.lineNumber, reason: reason)
        }
    }

    private func stop(_ parser: XMLParser, _ error: any Error) {
        if failure == nil { failure = error }
        parser.abortParsing()
    }

    // MARK: XMLParserDelegate

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        guard failure == nil else { return }
        stack.append(name)
        switch stack.count {
        case 1:
            guard name == "yml_catalog" else { return stop(parser, FeedError.notAFeed(root: String(name.prefix(64)))) }
            guard let written = attributes["date"].map(OfferBuilder.trimmed), !written.isEmpty else {
                return tally.remark(.dateAbsent)
            }
            date = FeedDate.parse(written, zone: zone)
            if date == nil { stop(parser, FeedError.date(String(written.prefix(64)))) }
        case 4 where name == "offer" && stack[2] == "offers":
            tally.offers += 1
            guard tally.offers <= FeedLimits.offers else { return stop(parser, FeedError.tooManyOffers) }
            offer = OfferBuilder(attributes: attributes)
        case 4 where name == "category" && stack[2] == "categories":
            guard rawCategories.count < FeedLimits.categories else { return stop(parser, FeedError.tooManyCategories) }
            category = (
                OfferBuilder.trimmed(attributes["id"] ?? ""),
                (attributes["parentId"] ?? attributes["parentID"]).map(OfferBuilder.trimmed)
            )
            capture()
        case 5 where offer != nil:
            field = OfferBuilder.fields[name]
            if field != nil {
                paramName = attributes["name"] ?? ""
                capture()
            }
        default:
            if stack.count > FeedLimits.depth { stop(parser, FeedError.tooDeep(line: parser.lineNumber)) }
        }
    }

    private func capture() {
        text.removeAll(keepingCapacity: true)
        capturing = true
        overflow = false
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        guard capturing, !overflow else { return }
        if text.utf8.count + string.utf8.count > FeedLimits.text { overflow = true } else { text += string }
    }

    func parser(_ parser: XMLParser, foundCDATA block: Data) {
        guard capturing, !overflow else { return }
        if text.utf8.count + block.count > FeedLimits.text {
            overflow = true
        } else {
            text += String(decoding: block, as: UTF8.self)
        }
    }

    func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) {
        guard failure == nil else { return }
        let depth = stack.count
        stack.removeLast()
        if depth == 5, let field {
            offer?.add(field, text, name: paramName, overflow: overflow, &tally)
            self.field = nil
            capturing = false
        } else if depth == 4, let category {
            endCategory(category.code, parent: category.parent)
            self.category = nil
            capturing = false
        } else if depth == 4, let offer {
            switch offer.finish(&tally) {
            case .success(let good):
                do { try onOffer(good) } catch { stop(parser, error) }
            case .failure(let bad): tally.skip(bad.reason)
            }
            self.offer = nil
            if tally.offers.isMultiple(of: 256) { onProgress() }
        }
    }

    // A declaration after the look at the prolog cannot be; should a parser report one, it is refused all the same.
    func parser(_ parser: XMLParser, foundInternalEntityDeclarationWithName name: String, value: String?) {
        stop(parser, FeedError.entityDeclaration)
    }
    func parser(
        _ parser: XMLParser, foundExternalEntityDeclarationWithName name: String, publicID: String?, systemID: String?
    ) { stop(parser, FeedError.entityDeclaration) }

    // MARK: Categories

    private func endCategory(_ code: String, parent: String?) {
        let name = OfferBuilder.trimmed(text)
        guard !code.isEmpty, code.unicodeScalars.count <= 64, !overflow else { return tally.remark(.categoryBad) }
        let parent = parent.flatMap { $0.isEmpty || $0 == "0" ? nil : $0 }
        rawCategories.append((code, parent, name.isEmpty ? code : name))
    }

    /// Categories with every parent present and without cycles; a bad link makes a root and is counted.
    func categories() -> [CatalogueCategory] {
        var result: [CatalogueCategory] = []
        var index: [String: Int] = [:]
        for raw in rawCategories {
            if index[raw.code] != nil {
                tally.remark(.categoryDuplicate)
                continue
            }
            index[raw.code] = result.count
            result.append(CatalogueCategory(code: raw.code, parentCode: raw.parent, name: raw.name))
        }
        for at in result.indices {
            if let parent = result[at].parentCode, index[parent] == nil {
                result[at].parentCode = nil
                tally.remark(.categoryParentAbsent)
            }
        }
        // Walking up from each category: what is met again on the same walk closes a cycle.
        var state = [UInt8](repeating: 0, count: result.count)
        for start in result.indices where state[start] == 0 {
            var walk: [Int] = []
            var at: Int? = start
            while let here = at, state[here] == 0 {
                state[here] = 1
                walk.append(here)
                at = result[here].parentCode.flatMap { index[$0] }
            }
            if let here = at, state[here] == 1, let last = walk.last {
                result[last].parentCode = nil
                tally.remark(.categoryParentCycle)
            }
            for here in walk { state[here] = 2 }
        }
        return result
    }
}
