-- Catalogue as the retailer runs it: revisions of what he edits, scheduled feeds with their history, product search.

alter table stock_location add column revision bigint not null default 1;
alter table storefront add column revision bigint not null default 1;
alter table placement add column revision bigint not null default 1;
alter table brand add column revision bigint not null default 1;

-- Aliases and grants get public ids like everything else that has an address.
create function nimb_code(prefix text) returns text language sql volatile as
$$ select prefix || '-' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 13) $$;

alter table brand_alias
    add column code text not null default nimb_code('als') unique,
    add column revision bigint not null default 1;
alter table brand_grant
    add column code text not null default nimb_code('grt') unique,
    add column revision bigint not null default 1;
create index brand_grant_advertiser on brand_grant (advertiser_id);
create index brand_grant_brand on brand_grant (brand_id);
create index brand_alias_brand on brand_alias (brand_id);

-- Full feeds fetched by address. A full feed tells all the stock of its location, so a location has one feed.
create table feed (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9._-]{1,64}$'),
    storefront_id int not null references storefront,
    location_id int not null unique references stock_location,
    url text not null check (octet_length(url) between 1 and 2048),
    interval_seconds int not null check (interval_seconds between 300 and 604800),
    enabled boolean not null default true,
    removed_share_limit int not null default 300000 check (removed_share_limit between 0 and 1000000), -- millionths
    revision bigint not null default 1,
    created_at timestamptz not null,
    -- What the last import was made of: the next run asks for something newer than that.
    etag text,
    last_modified text,
    digest bytea check (octet_length(digest) = 32),
    -- When it is due; asking for a run now moves it here.
    next_run_at timestamptz not null,
    requested boolean not null default false,
    -- The worker that runs it holds it until then, and longer while it works.
    claimed_until timestamptz,
    failures int not null default 0, -- in a row
    last_success_at timestamptz,
    -- A success has been owed since then: the last one, or being created or switched on.
    waiting_since timestamptz not null,
    late_since timestamptz -- the episode of which somebody was told
);
create index feed_due on feed (next_run_at) where enabled;
create index feed_storefront on feed (storefront_id);

create table feed_run (
    id bigint generated always as identity primary key,
    feed_id int not null references feed on delete cascade,
    requested boolean not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    status text not null default 'running' check (status in ('running', 'imported', 'unchanged', 'failed')),
    error_code text,
    error_detail text,
    http_status int,
    bytes bigint,      -- as sent
    feed_date timestamptz,
    offers int,
    accepted int,
    removed int,
    products_created int,
    products_changed int,
    bad_offers jsonb not null default '{}', -- {"reason": count}
    check ((status = 'running') = (finished_at is null)),
    check ((status = 'failed') = (error_code is not null))
);
create index feed_run_feed on feed_run (feed_id, id);

-- Words of names, stemmed as Russian (and words in Latin letters as English).
create index product_words on product using gin (to_tsvector('russian', name));
create index product_sku_prefix on product (sku text_pattern_ops);
create index category_parent on category (parent_id);
create index stock_product on stock (product_id);

-- Up to when the beginnings and ends of aliases have been brought to serving.
create table alias_clock (
    id int primary key default 1 check (id = 1),
    applied_at timestamptz not null
);
insert into alias_clock (applied_at) values (now());

select nimb_tenant_table('alias_clock', 'nimb_is_system()');
select nimb_tenant_table('feed', 'nimb_is_retailer()');
select nimb_tenant_table('feed_run', 'nimb_is_retailer()');
-- Searching needs the index before the policy, which a condition that looks at the session forbids (`@@` is not
-- leakproof); names of products and categories stand on the retailer's public pages anyway. Writing stays his.
create index category_words on category using gin (to_tsvector('russian', name));
select nimb_tenant_table('product', 'true', 'nimb_is_retailer()');
select nimb_tenant_table('category', 'true', 'nimb_is_retailer()');
