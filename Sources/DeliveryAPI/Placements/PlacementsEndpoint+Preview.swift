import AdModel
import Decisioning
import Measurement
import Store

extension PlacementsEndpoint {
    /// What became of a preview parameter.
    enum Preview {
        /// The answer is in `out`.
        case shown
        case asks(Int32)
        /// The request is answered as if it had no parameter, and says this word.
        case fault(String)
    }

    /// Shows the creative that a signed parameter names, in the first slot that accepts its format. The other slots
    /// stay empty: nobody pays for who looks at a preview. Nothing is decided, counted or logged.
    func preview(_ state: ServingState, _ json: JSONReader, now: Timestamp) -> Preview {
        guard let parameter = environment.backend.previewParameter, environment.backend.previewCreative != nil
        else { return .fault("unavailable") }
        let text = json.swift(parsed.preview)
        let version: Int32
        do throws(PreviewParameter.Fault) {
            version = try parameter.open(text, now: now)
        } catch {
            return .fault(error.rawValue)
        }
        switch environment.previews.find(version, now: now) {
        case .unknown: return .asks(version)
        case .busy: return .fault("busy")
        case .known(nil): return .fault("unknown")
        case .known(let creative?):
            write(creative, state, json, token: PreviewParameter.tokenPrefix + text, now: now)
            return .shown
        }
    }

    private func write(
        _ preview: PreviewCreative, _ state: ServingState, _ json: JSONReader, token: String, now: Timestamp
    ) {
        let snapshot = state.snapshot
        let format = snapshot.lookup.formats.find(preview.creative.format)
        let place = scratch.request.slots.firstIndex { slot in
            format >= 0 && snapshot.placements[Int(slot.placement)].formats & (1 << UInt32(format)) != 0
        }
        let id = DecisionID(
            issuedAt: now,
            low: UInt64(UInt16(bitPattern: environment.settings.nodeID)) << 48 | nextRandom() >> 16)
        out.clear()
        out.append("{\"decision_id\":\"")
        out.append(hex: UInt64(bitPattern: id.issuedAt.micros))
        out.append(hex: id.low)
        out.append(place == nil ? "\",\"preview\":\"no_slot\",\"slots\":{" : "\",\"preview\":\"shown\",\"slots\":{")
        for index in parsed.slots.indices {
            out.append(index == 0 ? "\"" : ",\"")
            json.withBytes(parsed.slots[index].name) { out.append($0) }
            if index == place {
                out.append("\":{\"ads\":[")
                writeAd(preview, snapshot.formats[Int(format)], state, token: token)
                out.append("]}")
            } else {
                out.append("\":{\"ads\":[],\"no_fill\":\"preview\"}")
            }
        }
        out.append("}}")
    }

    private func writeAd(
        _ preview: PreviewCreative, _ format: Snapshot.Format, _ state: ServingState, token: String
    ) {
        let start = out.count
        out.append("{")
        out.append(preview.fragment)
        out.append(",\"preview\":true,\"token\":\"")
        out.append(text: token)
        out.append("\",\"products\":[")
        let location = scratch.request.location
        let locationID = location >= 0 ? state.snapshot.locations[Int(location)].id : 0
        for (index, card) in Self.cards(preview, format, locationID: locationID).enumerated() {
            out.append(index == 0 ? "{" : ",{")
            out.append(card.card.fragment)
            out.append(",\"url\":\"")
            out.append(clickBase)
            out.append(text: token)
            out.append("/")
            out.append(decimal: Int64(card.index))
            out.append("\",\"price_micros\":")
            out.append(decimal: card.price.value)
            out.append(",\"price\":\"")
            out.append(roubles: card.price.value)
            out.append("\"")
            if let old = card.oldPrice, old > .zero {
                out.append(",\"old_price_micros\":")
                out.append(decimal: old.value)
            }
            out.append("}")
        }
        out.append("],\"tracking\":{\"impression\":\"")
        out.append(pixelBase)
        out.append(text: token)
        out.append("\",\"viewable\":\"")
        out.append(pixelBase)
        out.append(text: token)
        out.append("?kind=viewable\",\"click\":\"")
        out.append(clickBase)
        out.append(text: token)
        out.append("\"}")
        if parsed.html, let render = environment.backend.renderHTML,
            let html = render(preview.creative.format, Array(out.bytes[start...]) + [0x7D])
        {
            out.append(",\"html\":")
            var bytes: [UInt8] = []
            JSONOut.append(html, to: &bytes)
            out.append(bytes)
        }
        out.append("}")
    }

    private struct ShownCard {
        /// Place among the preview's cards, which a click names.
        var index: Int
        var card: PreviewCreative.Card
        var price = Micros.zero
        var oldPrice: Micros?
    }

    /// What can be bought here first; then the rest, so that a draft shows something before its products are there.
    private static func cards(
        _ preview: PreviewCreative, _ format: Snapshot.Format, locationID: Int32
    ) -> [ShownCard] {
        let most = Int(format.maximumCards)
        guard most > 0 else { return [] }
        let all = preview.cards.enumerated().map { index, card in
            let here = card.prices[locationID]
            let price = here ?? card.prices.min { $0.key < $1.key }?.value
            return (
                ShownCard(index: index, card: card, price: price?.price ?? .zero, oldPrice: price?.oldPrice),
                here?.isBuyable == true
            )
        }
        let ordered = all.filter(\.1).map(\.0) + all.filter { !$0.1 }.map(\.0)
        return Array(ordered.prefix(min(most, Limits.adsPerSlot)))
    }
}
