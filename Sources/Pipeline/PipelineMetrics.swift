import AdModel
import Store
import Telemetry

/// What the worker counts.
struct PipelineMetrics: Sendable {
    let healthy: Gauge
    let failures: Counter
    private let batches: Counter
    private let records: Counter
    private let events: Counter
    private let duplicates: Counter
    private let chargedMicros: Counter
    private let overDeliveryMicros: Counter
    private let creditRows: Counter
    private let duration: DurationHistogram

    init(_ registry: MetricsRegistry) {
        healthy = registry.gauge("nimb_pipeline_healthy", "1 while the last attempt to ship succeeded.")
        failures = registry.counter("nimb_pipeline_failures_total", "Attempts to ship that failed.")
        batches = registry.counter("nimb_pipeline_batches_total", "Batches committed.")
        records = registry.counter("nimb_pipeline_records_total", "Log records shipped.")
        events = registry.counter("nimb_pipeline_events_total", "Ad events stored, each once.")
        duplicates = registry.counter("nimb_pipeline_duplicates_total", "Deliveries that were known already.")
        chargedMicros = registry.counter("nimb_pipeline_charged_micros_total", "Micro-roubles charged.")
        overDeliveryMicros = registry.counter(
            "nimb_pipeline_over_delivery_micros_total", "Price of events that did not fit a budget.")
        creditRows = registry.counter("nimb_pipeline_credit_rows_total", "Rows appended to the credit ledger.")
        duration = registry.duration("nimb_pipeline_batch_seconds", "Time to write and commit one batch.")
    }

    func count(_ summary: BatchSummary, seconds: Duration) {
        batches.add()
        records.add(Int64(summary.records))
        events.add(Int64(summary.events))
        duplicates.add(Int64(summary.duplicates))
        chargedMicros.add(summary.charges.charged.value)
        overDeliveryMicros.add(summary.charges.overDelivery.value)
        creditRows.add(Int64(summary.credits.rows))
        let (whole, attoseconds) = seconds.components
        duration.observe(micros: whole * 1_000_000 + attoseconds / 1_000_000_000_000)
    }
}
