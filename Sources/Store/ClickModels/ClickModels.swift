import AdModel
import ClickModel
import Crypto
import Postgres

/// A stored version of the click model, without its weights.
public struct ClickModelRecord: Equatable, Sendable {
    public var version: Int32
    public var trainedAt: Timestamp
    public var trainedBy: String
    /// Decisions made from ... until (exclusive) were learnt from.
    public var from: Timestamp
    public var until: Timestamp
    public var examples: Int64
    public var clicks: Int64
    /// Mean log loss per impression, each predicted before it was learnt from; and that of plain rates.
    public var logLoss: Double
    public var plainLogLoss: Double
    /// Predicted clicks / clicks, over all and by tenths of the impressions.
    public var calibration: Double
    public var calibrationByDecile: [Double]
    /// The model that served then, judged beside this one on impressions that neither had learnt from.
    public var rivalVersion: Int32?
    public var rivalLogLoss: Double?
    public var ownLogLoss: Double?
    /// SHA-256 of the weights, hexadecimal: the same data give the same.
    public var digest: String
    public var isActive: Bool

    /// Least clicks that a model is put into service with by itself.
    public static let minimumClicks: Int64 = 1_000

    /// Why the worker would not put it into service by itself; nil = it would.
    public var doubt: String? {
        if clicks < Self.minimumClicks { return "fewer than \(Self.minimumClicks) clicks" }
        if logLoss >= plainLogLoss { return "no better than the plain rate of slot and creative" }
        if !(0.9...1.1).contains(calibration) { return "predicts \(calibration) of the clicks" }
        if let rivalLogLoss, let ownLogLoss, ownLogLoss > rivalLogLoss {
            return "no better than the model that serves"
        }
        return nil
    }
}

/// Training, versions and service of the click model.
public enum ClickModels {
    /// Days that a model is trained on, unless said otherwise.
    public static let days: Int64 = 28
    /// Versions that are kept, beside the one that serves and the one before.
    public static let kept: Int64 = 60

    private static let active = "select version from click_model_activation order by id desc limit 1"

    /// Number of the version that serves, and its weights; nil without one.
    public static func activeWeights(on db: isolated PostgresConnection) throws -> ClickWeights? {
        let rows = try db.query("select version, weights from click_model where version = (\(active))")
        guard let row = rows.first else { return nil }
        return try ClickWeights(version: try row.int32("version"), bytes: try row.bytes("weights"))
    }

    /// The weights of a version. Throws `Refusal.notFound`.
    public static func weights(_ version: Int32, on db: isolated PostgresConnection) throws -> ClickWeights {
        let rows = try db.query("select weights from click_model where version = $1", [.int4(version)])
        guard let row = rows.first else {
            throw Refusal(.notFound, "There is no version \(version) of the click model.")
        }
        return try ClickWeights(version: version, bytes: try row.bytes("weights"))
    }

    /// Trains on the decisions made from `from` until `until` and stores the result as the next version, which does not
    /// serve yet. Clicks may come until the billing deadline: `until` should lie as far back.
    /// - Throws: `invalid_state` when there is nothing to learn from.
    public static func train(
        from: Timestamp, until: Timestamp, by actor: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> ClickModelRecord {
        guard from < until else { throw Refusal(.invalidState, "The span of days is empty.") }
        let rival = try activeWeights(on: db)
        let rivalUntil = try rival.map { rival in
            Timestamp(
                micros: try db.query("select data_until from click_model where version = $1", [.int4(rival.version)])
                    .single().micros("data_until"))
        }
        var training = ClickTraining(rival: rival)
        try ClickExamples.read(from: from, until: until, on: db) { example, decidedAt in
            training.learn(example, isNewToRival: rivalUntil.map { decidedAt >= $0 } ?? false)
        }
        guard training.examples > 0 else {
            throw Refusal(
                .invalidState,
                "No impression of these days has the features of a click model; decisions keep them from now on.")
        }
        return try store(training, from: from, until: until, by: actor, now: now, on: db)
    }

    private static func store(
        _ training: ClickTraining, from: Timestamp, until: Timestamp, by actor: String, now: Timestamp,
        on db: isolated PostgresConnection
    ) throws -> ClickModelRecord {
        let bytes = training.weights().bytes
        let report = training.report
        func double(_ value: Double?) -> PostgresValue { value.map { .float8($0) } ?? .null }
        let version = try db.query(
            """
            insert into click_model (trained_at, trained_by, data_from, data_until, examples, clicks, log_loss,
                plain_log_loss, calibration, calibration_deciles, rival_version, rival_log_loss, own_log_loss, weights,
                digest)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) returning version
            """,
            [
                .timestamptz(micros: now.micros), .text(actor), .timestamptz(micros: from.micros),
                .timestamptz(micros: until.micros), .int8(training.examples), .int8(training.clicks),
                .float8(report.logLoss), .float8(report.plainLogLoss), .float8(report.calibration),
                .array(report.calibrationByDecile.map { .float8($0) }),
                .int4(orNull: training.rivalLogLoss == nil ? nil : training.rivalVersion),
                double(training.rivalLogLoss), double(training.ownLogLoss), .bytea(bytes),
                .bytea(Array(SHA256.hash(data: bytes))),
            ]
        ).single().int32("version")
        try db.query(
            """
            delete from click_model m where version <= $1 - \(kept)
                and not exists (select from click_model_activation a where a.version = m.version)
            """, [.int4(version)])
        return try find(version, on: db)
    }

    /// The newest first.
    public static func list(limit: Int64 = 100, on db: isolated PostgresConnection) throws -> [ClickModelRecord] {
        try db.query("\(selection) order by version desc limit $1", [.int8(limit)]).map(record)
    }

    /// Throws `Refusal.notFound`.
    public static func find(_ version: Int32, on db: isolated PostgresConnection) throws -> ClickModelRecord {
        guard let row = try db.query("\(selection) where version = $1", [.int4(version)]).first else {
            throw Refusal.notFound
        }
        return try record(row)
    }

    /// Puts a version into service; nil = none. Nodes take it with their next look at control data.
    /// - Throws: `not_found`; `invalid_state` when it serves already.
    public static func activate(
        _ version: Int32?, by actor: String, reason: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws {
        try db.query("lock table click_model_activation in share row exclusive mode")
        if let version { _ = try weights(version, on: db) }
        let serving = try db.query(active).first.flatMap { try $0.int32IfPresent("version") }
        guard serving != version else {
            throw Refusal(
                .invalidState, version.map { "Version \($0) serves already." } ?? "No click model serves as it is.")
        }
        try db.query(
            """
            insert into click_model_activation (version, activated_at, activated_by, reason) values ($1, $2, $3, $4)
            """, [.int4(orNull: version), .timestamptz(micros: now.micros), .text(actor), .text(reason)])
    }

    /// Goes back to what served before the version that serves now, which may be no model at all.
    /// - Returns: what serves from now on.
    /// - Throws: `invalid_state` when nothing was ever put into service.
    public static func rollBack(
        by actor: String, now: Timestamp, on db: isolated PostgresConnection
    ) throws -> Int32? {
        try db.query("lock table click_model_activation in share row exclusive mode")
        // Rolling back twice goes back twice: what was rolled back to is not what served before it.
        let rows = try db.query(
            """
            select version, reason like 'rollback%' as is_back from click_model_activation order by id desc limit 1000
            """)
        var history: [Int32?] = []
        for row in rows.reversed() {
            if try row.bool("is_back") {
                _ = history.popLast()
            } else {
                history.append(try row.int32IfPresent("version"))
            }
        }
        guard let serving = history.popLast() else {
            throw Refusal(.invalidState, "No click model was ever put into service.")
        }
        let before = history.last ?? nil
        try db.query(
            """
            insert into click_model_activation (version, activated_at, activated_by, reason) values ($1, $2, $3, $4)
            """,
            [
                .int4(orNull: before), .timestamptz(micros: now.micros), .text(actor),
                .text("rollback of \(serving.map(String.init) ?? "no model")"),
            ])
        return before
    }

    /// Trains a model when the last one is a day old, and puts it into service unless it is doubtful.
    /// - Returns: the new version; nil when none is due or there is nothing to learn from.
    public static func trainWhenDue(now: Timestamp, on db: isolated PostgresConnection) throws -> ClickModelRecord? {
        let last = try db.query("select max(trained_at) as at from click_model").single().microsIfPresent("at")
        if let last, now - Timestamp(micros: last) < .hours(24), last <= now.micros { return nil }
        let rows = try db.query(
            "select (extract(epoch from billing_deadline_click) * 1e6)::bigint as deadline from retailer")
        guard let deadline = try rows.first?.int64("deadline") else { return nil }
        let until = now - Timestamp.Span(micros: deadline)
        do {
            let record = try train(from: until - .days(days), until: until, by: "worker", now: now, on: db)
            if record.doubt == nil {
                try activate(record.version, by: "worker", reason: "trained", now: now, on: db)
            }
            return try find(record.version, on: db)
        } catch let refusal as Refusal where refusal.code == .invalidState {
            return nil
        }
    }

    private static let selection = """
        select version, trained_at, trained_by, data_from, data_until, examples, clicks, log_loss, plain_log_loss,
            calibration, array_to_string(calibration_deciles, ' ') as deciles, rival_version, rival_log_loss,
            own_log_loss, encode(digest, 'hex') as digest, version is not distinct from (\(active)) as is_active
        from click_model
        """

    private static func record(_ row: PostgresRow) throws -> ClickModelRecord {
        ClickModelRecord(
            version: try row.int32("version"), trainedAt: Timestamp(micros: try row.micros("trained_at")),
            trainedBy: try row.string("trained_by"), from: Timestamp(micros: try row.micros("data_from")),
            until: Timestamp(micros: try row.micros("data_until")), examples: try row.int64("examples"),
            clicks: try row.int64("clicks"), logLoss: try row.double("log_loss"),
            plainLogLoss: try row.double("plain_log_loss"), calibration: try row.double("calibration"),
            calibrationByDecile: try row.string("deciles").split(separator: " ").compactMap { Double($0) },
            rivalVersion: try row.int32IfPresent("rival_version"),
            rivalLogLoss: try row.doubleIfPresent("rival_log_loss"),
            ownLogLoss: try row.doubleIfPresent("own_log_loss"), digest: try row.string("digest"),
            isActive: try row.bool("is_active"))
    }
}
