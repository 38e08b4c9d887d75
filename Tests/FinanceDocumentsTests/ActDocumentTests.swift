import Testing

@Suite struct ActDocumentTests {}
