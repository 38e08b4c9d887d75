import Testing

@Suite("DemoShop") struct DemoShopTests {}
