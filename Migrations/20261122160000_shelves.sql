-- Shelf algorithms: what their job computes from orders and signals, and how line items and placements use them.

-- Chosen by whoever keeps the line item or placement; null = not chosen.
alter table line_item add column shelf jsonb;
alter table placement add column shelf jsonb;

-- One row per run of the job; its id is the version that serving nodes compare.
create table shelf_build (
    id bigint generated always as identity primary key,
    computed_at timestamptz not null,
    products int not null,
    orders int not null,
    views int not null,
    neighbours bigint not null
);
create table shelf_product (
    product_id int primary key references product on delete cascade,
    popularity double precision not null,
    prior double precision not null,
    trend double precision not null,
    variant_group int not null,          -- 0: it has no variants
    price_micros bigint not null         -- lowest of its locations; 0: unknown
);
create table shelf_neighbour (
    kind smallint not null check (kind between 0 and 2), -- 0 bought together, 1 similar, 2 upsell
    product_id int not null references product on delete cascade,
    neighbours bytea not null,           -- best first: id and score, four bytes each, lowest first
    primary key (kind, product_id)
);
select nimb_tenant_table(t, 'nimb_is_retailer()')
    from unnest(array['shelf_build', 'shelf_product', 'shelf_neighbour']) t;
