import Testing

@Suite("CMS") struct CMSTests {}
