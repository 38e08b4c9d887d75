/// All routes of the management API, area by area.
public enum ManagementRoutes {
    /// The routes beside health and metrics, which belong to the listener.
    public static func all() -> RouteTable {
        var table = RouteTable()
        AttributionRoutes.add(to: &table)
        DocumentRoutes.add(to: &table)
        IdentityRoutes.add(to: &table)
        IncrementalityRoutes.add(to: &table)
        PolicyRoutes.add(to: &table)
        PlanningRoutes.add(to: &table)
        ReportRoutes.add(to: &table)
        MetricRoutes.add(to: &table)
        RetailerRoutes.add(to: &table)
        CatalogueRoutes.add(to: &table)
        AdvertiserRoutes.add(to: &table)
        WalletRoutes.add(to: &table)
        StatementRoutes.add(to: &table)
        BankRoutes.add(to: &table)
        NoticeRoutes.add(to: &table)
        WebhookRoutes.add(to: &table)
        CounterpartyRoutes.add(to: &table)
        ContractRoutes.add(to: &table)
        // Before the routes with an id in the same place.
        BulkRoutes.add(to: &table)
        CampaignRoutes.add(to: &table)
        LineItemRoutes.add(to: &table)
        StopRoutes.add(to: &table)
        MediaRoutes.add(to: &table)
        FormatRoutes.add(to: &table)
        CreativeRoutes.add(to: &table)
        RegistrationRoutes.add(to: &table)
        KKTURoutes.add(to: &table)
        ModerationRoutes.add(to: &table)
        MonthRoutes.add(to: &table)
        ActRoutes.add(to: &table)
        SendingRoutes.add(to: &table)
        KKTURefreshRoutes.add(to: &table)
        return table
    }
}
