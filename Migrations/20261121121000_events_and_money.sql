-- What the event log becomes: events, identity, orders, the charge and credit ledgers, rollups, checkpoints.

create table node (
    id smallint primary key check (id between 0 and 32767),
    code text not null unique,
    first_seen timestamptz not null default now(),
    -- Set when the node is gone for good and its log is shipped: reports do not wait for it any more. Null = active.
    retired_at timestamptz
);

-- Where shipping of each log stands. The worker advances with `where position = expected`.
create table log_checkpoint (
    node_id smallint not null references node,
    log_id uuid not null,
    position bigint not null check (position >= 0),
    shipped_at timestamptz not null default now(),
    -- Everything that the node acknowledged before this instant is in the tables.
    shipped_through timestamptz not null default '-infinity',
    primary key (node_id, log_id)
);

-- Unique client ids of orders, adjustments and signals; never partitioned, so a retry on another day is found.
create table client_event_identity (
    storefront_id int not null references storefront,
    kind text not null check (kind in ('order', 'adjustment', 'signal')),
    client_id text not null,
    content_hash bytea not null,
    primary key (storefront_id, kind, client_id)
);

create table decision (
    decision_day date not null,          -- UTC day of the decision
    decision_id uuid not null,
    storefront_id int not null,
    decided_at timestamptz not null,
    visitor_id text,
    page_type text not null,
    body bytea not null,                 -- the decision record as logged
    primary key (decision_day, decision_id)
) partition by range (decision_day);

-- Valid ad events, each counted once: the key is what makes a second delivery a duplicate.
create table ad_event (
    decision_day date not null,
    decision_id uuid not null,
    ad smallint not null,                -- index of the ad in the decision
    kind smallint not null check (kind in (0, 1, 2)), -- 0 impression, 1 viewable, 2 click
    card smallint not null,              -- -1 the whole ad, else index of the product card
    storefront_id int not null,
    placement_id int not null,
    advertiser_id int not null,
    campaign_id int not null,
    line_item_id int not null,
    creative_version_id int not null,
    visitor_id text,
    product_ids int[] not null default '{}',
    event_time timestamptz not null,
    received_at timestamptz not null,
    node_id smallint not null,
    primary key (decision_day, decision_id, ad, kind, card)
) partition by range (decision_day);

-- Invalid traffic with a readable token: stored with its reason, never billed, never a touch.
create table invalid_event (
    received_day date not null,
    reason text not null,
    decision_id uuid not null,
    ad smallint not null,
    kind smallint not null,
    card smallint not null,
    storefront_id int not null,
    line_item_id int not null,
    creative_version_id int not null,
    received_at timestamptz not null
) partition by range (received_day);

create table signal (
    received_day date not null,
    storefront_id int not null,
    kind text not null,
    visitor_id text,
    customer_id text,
    product_sku text,
    category_code text,
    phrase text,
    occurred_at timestamptz not null
) partition by range (received_day);
create index signal_visitor on signal (visitor_id, occurred_at);

create function ensure_day_partition(parent text, day date) returns void language plpgsql as $$
begin
    execute format('create table if not exists %I partition of %I for values from (%L) to (%L)',
        parent || '_' || to_char(day, 'YYYYMMDD'), parent, day, day + 1);
end $$;

create table identity_link (
    visitor_id text not null,
    customer_id text not null,
    linked_at timestamptz not null,
    primary key (visitor_id, linked_at, customer_id)
);
create index identity_link_customer on identity_link (customer_id);

create table customer_order (
    storefront_id int not null references storefront,
    order_id text not null,
    visitor_id text,
    customer_id text,
    channel text not null check (channel in ('online', 'offline')),
    ordered_at timestamptz not null,
    received_at timestamptz not null,
    primary key (storefront_id, order_id)
);
create index customer_order_visitor on customer_order (visitor_id) where visitor_id is not null;
create index customer_order_customer on customer_order (customer_id) where customer_id is not null;

create table order_line (
    storefront_id int not null,
    order_id text not null,
    line_no int not null,
    sku text not null,
    units int not null,
    gross_micros bigint not null,
    net_micros bigint not null,          -- after discounts, without VAT, before adjustments
    primary key (storefront_id, order_id, line_no),
    foreign key (storefront_id, order_id) references customer_order
);

create table order_adjustment (
    storefront_id int not null references storefront,
    adjustment_id text not null,
    order_id text not null,
    line_no int,
    occurred_at timestamptz not null,
    kind text not null check (kind in ('cancel', 'return', 'price')),
    units int check (units >= 0),
    amount_micros bigint,
    received_at timestamptz not null,
    primary key (storefront_id, adjustment_id)
);
create index order_adjustment_order on order_adjustment (storefront_id, order_id);

create table touch (
    touch_id text primary key,
    visitor_id text not null,
    occurred_at timestamptz not null,    -- event_time
    kind text not null check (kind in ('click', 'view')),
    rendered_only boolean not null default false, -- an impression: counts only for policies with rendered views
    advertiser_id int not null,
    campaign_id int not null,
    line_item_id int not null,
    storefront_id int not null,
    promoted_skus text[] not null default '{}'
);
create index touch_visitor on touch (visitor_id, occurred_at);

-- The charge ledger: append-only. A correction is a new row that names the old one.
create table charge (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('impression', 'click', 'fixed', 'refund', 'rounding', 'correction')),
    advertiser_id int not null references advertiser,
    campaign_id int not null references campaign,
    line_item_id int not null references line_item,
    creative_version_id int references creative_version,
    storefront_id int references storefront,
    decision_day date,
    decision_id uuid,
    ad smallint,
    card smallint,
    event_time timestamptz not null,
    accounting_day date not null,        -- day of event_time in the accounting zone
    price_micros bigint not null,        -- what the event would have cost
    amount_micros bigint not null,       -- what is charged: 0 when it did not fit
    reason text not null check (reason in ('billed', 'over_budget', 'over_daily_budget', 'over_wallet', 'accrual',
        'refund', 'rounding', 'correction')),
    corrects bigint references charge,
    note text,
    recorded_at timestamptz not null default now()
);
-- Whatever the card: an ad costs one impression and one click.
create unique index charge_once on charge (decision_id, ad, kind) where decision_id is not null and corrects is null;
create unique index charge_fixed_once on charge (line_item_id, accounting_day) where kind = 'fixed';
create index charge_report on charge (advertiser_id, accounting_day);
create index charge_month on charge (accounting_day, creative_version_id, storefront_id);

-- Running totals of the ledger, the rows the pipeline locks while it decides whether a charge fits.
create table line_item_spend (
    line_item_id int primary key references line_item,
    spent_micros bigint not null default 0
);
create table line_item_day_spend (
    line_item_id int not null references line_item,
    day date not null,
    spent_micros bigint not null default 0,
    primary key (line_item_id, day)
);
create table advertiser_spend (
    advertiser_id int primary key references advertiser,
    spent_micros bigint not null default 0
);

-- Slices of budget that a node may promise to shoppers without asking.
create table budget_lease (
    id bigint generated always as identity primary key,
    node_id smallint not null references node,
    line_item_id int not null references line_item,
    day date not null,                   -- accounting day
    leased_micros bigint not null check (leased_micros > 0),
    granted_at timestamptz not null,
    expires_at timestamptz not null,     -- promises stop here
    settles_at timestamptz not null,     -- the last promise can be billed until here
    returned_micros bigint not null default 0 check (returned_micros between 0 and leased_micros),
    -- line_item_spend when the lease was granted: what was spent since is no longer outstanding
    spent_before_micros bigint not null
);
create index budget_lease_open on budget_lease (line_item_id, settles_at);

-- The credit ledger: append-only credits and reversals (attribution.md, "Ledger").
create table credit (
    id bigint generated always as identity primary key,
    storefront_id int not null,
    order_id text not null,
    line_no int not null,
    policy text not null,
    advertiser_id int not null references advertiser,
    campaign_id int not null references campaign,
    line_item_id int not null references line_item,
    touch_id text not null,
    interaction text not null check (interaction in ('click', 'view')),
    level text not null check (level in ('sku', 'variant', 'listed', 'brand', 'order')),
    kind text not null check (kind in ('credit', 'reversal')),
    units int not null,
    amount_micros bigint not null,
    ordered_at timestamptz not null,
    touched_at timestamptz not null,
    adjustment_id text,                  -- whose movement the row books; null = the sale itself
    cause text not null,                 -- "order", "adjustment <id>", "late touch <id>", "late link"
    cause_at timestamptz not null,
    posting_month date not null,
    recorded_at timestamptz not null default now()
);
create index credit_line on credit (storefront_id, order_id, line_no);
create index credit_report on credit (advertiser_id, ordered_at);

create table performance_day (
    day date not null,                   -- accounting day of event_time
    advertiser_id int not null,
    campaign_id int not null,
    line_item_id int not null,
    creative_version_id int not null,
    storefront_id int not null,
    placement_id int not null,
    impressions bigint not null default 0,
    viewable bigint not null default 0,  -- ads with at least one viewable event
    clicks bigint not null default 0,
    invalid bigint not null default 0,
    primary key (day, campaign_id, line_item_id, creative_version_id, storefront_id, placement_id)
);
create index performance_day_report on performance_day (advertiser_id, day);

create table delivery_day (
    day date not null,
    storefront_id int not null,
    placement_id int not null,
    outcome text not null,               -- "filled" or a no-fill reason code
    slots bigint not null default 0,
    primary key (day, storefront_id, placement_id, outcome)
);

create table refused_day (
    day date not null,
    storefront_id int not null,          -- 0 when unknown
    kind text not null,
    reason text not null,
    events bigint not null default 0,
    primary key (day, storefront_id, kind, reason)
);
