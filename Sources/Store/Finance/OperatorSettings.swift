import AdModel
import ORD
import Postgres

/// The retailer's answers to what the operators' documents leave open.
public enum OperatorSettings {
    /// Everything that is set.
    public static func switches(on db: isolated PostgresConnection) throws -> OperatorSwitches {
        var switches = OperatorSwitches()
        for row in try db.query("select format, name, value from operator_switch order by format, name") {
            // A switch of another release is not known any more and has no meaning.
            _ = switches.set(try row.string("name"), try row.string("value"), of: try row.string("format"))
        }
        return switches
    }

    /// Sets all switches of an operator; those that are not named go back to what is inferred.
    /// - Throws: `not_found` for an unknown operator, `invalid_fields` for switches or values that it does not have.
    public static func set(
        _ values: [String: String], of format: String, by actor: MonthActor, on db: isolated PostgresConnection
    ) throws {
        guard OperatorSwitches.known[format] != nil else { throw Refusal.notFound }
        var problems = FieldProblems()
        var checked = OperatorSwitches()
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            if let problem = checked.set(name, value, of: format) { problems.add(name, "not_allowed", problem) }
        }
        try problems.throwIfAny()
        try db.query("delete from operator_switch where format = $1", [.text(format)])
        for (name, value) in values {
            try db.query(
                "insert into operator_switch (format, name, value, actor, recorded_at) values ($1, $2, $3, $4, $5)",
                [
                    .text(format), .text(name), .text(value), .text(actor.name),
                    .timestamptz(micros: actor.at.micros),
                ])
        }
    }
}
