import AdFormats
import AdModel
import GeoIP
import Measurement
import Postgres
import Store

extension DeliveryBackend {
    /// What the edge asks beside its own memory: the database over one pool, the installed formats, and where an
    /// address is.
    ///
    /// - Parameters:
    ///   - preview: opens the parameters of previews; nil = there are none.
    ///   - mediaBaseURL: as the snapshot's loader has it.
    public static func live(
        pool: PostgresPool, formats: AdFormatSet, geo: GeoDatabase?, preview: PreviewParameter? = nil,
        mediaBaseURL: String = ""
    ) -> DeliveryBackend {
        var backend = DeliveryBackend()
        if let preview {
            let store = PreviewStore(pool: pool, mediaBaseURL: mediaBaseURL)
            backend.previewParameter = preview
            backend.previewCreative = { version, now in try await store.creative(versionID: version, now: now) }
        }
        let identities = ClientIdentityStore(pool: pool)
        backend.contentHash = { storefront, kind, id in
            try await identities.contentHash(storefrontID: storefront, kind: kind, clientID: id)
        }
        let stock = StockStore(pool: pool)
        backend.applyStock = { deltas, location, asOf in
            try await stock.applyDeltas(deltas, location: location, asOf: asOf)
        }
        backend.renderHTML = { name, ad in
            guard let format = formats.formats[name], let value = try? FieldValue(json: ad) else { return nil }
            return format.renderHTML(value)
        }
        if let geo {
            backend.region = { address in address.withBytes { RegionCode(bits: geo.regionCode(bytes: $0)) } }
        }
        return backend
    }
}
