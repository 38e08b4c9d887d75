import Postgres

extension PostgresConnection {
    /// COPY into a table under row level security, which PostgreSQL refuses to anybody but a superuser: the rows go
    /// to a temporary table first, then on in one statement, so that the policies hold for them too.
    ///
    /// Belongs in a transaction. Rows keep their order.
    @discardableResult
    func copyStaged(
        _ table: String, _ columns: [String], _ body: (inout CopyWriter) throws -> Void
    ) throws -> Int {
        let list = columns.joined(separator: ", ")
        let stage = "stage_copy_\(table)"
        try script(
            "create temporary table if not exists \(stage) on commit delete rows as select \(list) from \(table) with no data"
        )
        let count = try copyIn(stage, columns, body)
        try query("insert into \(table) (\(list)) select \(list) from \(stage)")
        // A transaction may copy into one table more than once.
        try query("delete from \(stage)")
        return count
    }
}
