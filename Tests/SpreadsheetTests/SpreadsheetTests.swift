import Testing

@Suite("Spreadsheet") struct SpreadsheetTests {}
