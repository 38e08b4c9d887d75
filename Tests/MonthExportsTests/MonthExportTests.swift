import Testing

@Suite struct MonthExportTests {}
