import Testing

@Suite("Audiences") struct AudiencesTests {}
