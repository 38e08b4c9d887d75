import Postgres
import Store

extension DeliveryBackend {
    /// What the edge asks of the database, over one pool.
    public static func live(pool: PostgresPool) -> DeliveryBackend {
        var backend = DeliveryBackend()
        let identities = ClientIdentityStore(pool: pool)
        backend.contentHash = { storefront, kind, id in
            try await identities.contentHash(storefrontID: storefront, kind: kind, clientID: id)
        }
        let stock = StockStore(pool: pool)
        backend.applyStock = { deltas, location, asOf in
            try await stock.applyDeltas(deltas, location: location, asOf: asOf)
        }
        return backend
    }
}
