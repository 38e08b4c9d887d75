-- The selling side: retailer, catalogue, stock, advertisers, campaigns, creatives, keys.
--
-- Conventions of every migration: `id` is the internal dense integer (it travels in the event log and in
-- memory), `code` is the opaque public id (API, files, ORD). Money is bigint micro-roubles without VAT
-- unless the name says otherwise. Times are timestamptz; validity is half-open [valid_from, valid_to).

create table counterparty (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9.-]{1,80}$'),
    kind text not null check (kind in ('physical', 'juridical', 'ip', 'foreign_physical', 'foreign_juridical')),
    name text not null check (char_length(name) between 1 and 255),
    inn text,
    kpp text,
    phone text,
    foreign_inn text,
    foreign_registration_number text,
    foreign_epayment_method text,
    foreign_oksm_country_code text,
    roles text[] not null check (cardinality(roles) > 0),
    rs_url text
);
create unique index counterparty_inn_kpp on counterparty (inn, coalesce(kpp, '')) where inn is not null;

create table retailer (
    id int primary key default 1 check (id = 1),
    code text not null,
    name text not null,
    counterparty_id int not null references counterparty,
    accounting_zone text not null default 'Europe/Moscow',
    billing_deadline_impression interval not null default '1 hour',
    billing_deadline_click interval not null default '24 hours',
    stock_max_age interval not null default '24 hours'
);

create table stock_location (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9._-]{1,64}$'),
    name text not null,
    -- ISO 3166-2 subdivision codes ("RU-MOW") whose shoppers are served from this location.
    region_codes text[] not null default '{}'
);

create table storefront (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9.-]{1,64}$'),
    name text not null,
    url text not null,
    kind text not null default 'web' check (kind in ('web', 'mobile_app', 'hbbtv', 'smarttv')),
    zone text not null default 'Europe/Moscow',
    default_location_id int references stock_location,
    -- Hosts that click redirects may land on, beside the host of `url`.
    landing_hosts text[] not null default '{}'
);

create table placement (
    id int generated always as identity primary key,
    storefront_id int not null references storefront,
    code text not null check (code ~ '^[A-Za-z0-9._-]{1,64}$'),
    page_type text not null check (page_type in ('home', 'category', 'product', 'search', 'cart', 'checkout_success',
        'empty_cart', 'article', 'not_found', 'other', 'in_store')),
    formats text[] not null check (cardinality(formats) > 0),
    max_ads int not null default 1 check (max_ads between 1 and 16),
    rank int not null default 100,
    floor_micros bigint not null default 0 check (floor_micros >= 0), -- per 1,000 impressions
    repeat_advertiser boolean not null default true,
    repeat_brand boolean not null default true,
    unique (storefront_id, code)
);

create table brand (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9._-]{1,64}$'),
    name text not null
);

create table brand_alias (
    id int generated always as identity primary key,
    alias text not null,
    brand_id int not null references brand,
    valid_from timestamptz not null default '-infinity',
    valid_to timestamptz not null default 'infinity',
    check (valid_from < valid_to)
);
create index brand_alias_alias on brand_alias (alias);

-- An alias means one brand at a time, or attribution could not say whose a product is. Checked at commit, so that one
-- transaction may close a row and open another in any order; the lock makes checks of two transactions follow each
-- other. (An exclusion constraint would need an extension that only a superuser can install.)
create function refuse_alias_overlap() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtext('nimb alias'));
    if exists (
        select 1 from brand_alias a join brand_alias b on b.alias = a.alias and b.id <> a.id
            and b.brand_id <> a.brand_id and b.valid_from < a.valid_to and a.valid_from < b.valid_to
        where a.alias = new.alias
    ) then
        raise exception 'the alias "%" belongs to two brands at one time', new.alias
            using errcode = 'exclusion_violation', hint = 'let one end where the other begins';
    end if;
    return null;
end $$;
create constraint trigger brand_alias_overlap after insert or update on brand_alias
    deferrable initially deferred for each row execute function refuse_alias_overlap();

create table category (
    id int generated always as identity primary key,
    code text not null unique check (char_length(code) between 1 and 64),
    parent_id int references category,
    name text not null
);

create table product (
    id int generated always as identity primary key,
    sku text not null unique check (octet_length(sku) between 1 and 128),
    group_id text,
    name text not null,
    brand text,
    url text,
    picture_url text,
    category_ids int[] not null default '{}',
    attributes jsonb not null default '{}',
    updated_at timestamptz not null default now()
);
create index product_group on product (group_id) where group_id is not null;
create index product_brand on product (brand) where brand is not null;
create index product_categories on product using gin (category_ids);

create table stock (
    location_id int not null references stock_location,
    product_id int not null references product on delete cascade,
    quantity int not null check (quantity >= 0),
    price_micros bigint not null check (price_micros >= 0),       -- shelf price, VAT-inclusive, as shown
    old_price_micros bigint check (old_price_micros >= 0),
    version bigint not null,                                      -- the shop's own version of this row
    as_of timestamptz not null,                                   -- when the shop says it was true
    change_number bigint not null,                                -- control_version('stock') of the last change
    primary key (location_id, product_id)
);
create index stock_change on stock (change_number);

create table feed_import (
    id int generated always as identity primary key,
    storefront_id int not null references storefront,
    location_id int not null references stock_location,
    feed_date timestamptz not null,
    imported_at timestamptz not null default now(),
    offers int not null,
    accepted int not null,
    removed int not null,
    bad_offers jsonb not null -- {"reason": count}
);

create table advertiser (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9.-]{1,64}$'),
    name text not null,
    counterparty_id int not null references counterparty,
    credit_limit_micros bigint not null default 0 check (credit_limit_micros >= 0)
);

create table api_key (
    id int generated always as identity primary key,
    code text unique check (code ~ '^[A-Za-z0-9._-]{1,64}$'), -- name of the key in a seed file
    prefix text not null,
    hash bytea not null unique check (octet_length(hash) = 32), -- SHA-256 of the whole key
    kind text not null check (kind in ('shop', 'advertiser', 'retailer')),
    storefront_id int references storefront,
    advertiser_id int references advertiser,
    expires_at timestamptz not null default 'infinity',
    created_at timestamptz not null default now(),
    check ((kind = 'shop') = (storefront_id is not null)),
    check ((kind = 'advertiser') = (advertiser_id is not null))
);

create table brand_grant (
    id int generated always as identity primary key,
    advertiser_id int not null references advertiser,
    brand_id int not null references brand,
    valid_from timestamptz not null default '-infinity',
    valid_to timestamptz not null default 'infinity',
    check (valid_from < valid_to)
);

create table contract (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9.-]{1,64}$'),
    advertiser_id int not null references advertiser,
    kind text not null default 'service' check (kind in ('service')),
    client_counterparty_id int not null references counterparty,
    contractor_counterparty_id int not null references counterparty,
    serial text check (char_length(serial) between 1 and 255),
    signed_on date not null,
    ends_on date,
    subject_type text not null default 'distribution'
        check (subject_type in ('representation', 'org_distribution', 'mediation', 'distribution', 'other')),
    amount_kopecks bigint,
    flags text[] not null default '{}',
    vat_rate text not null default '22' check (vat_rate in ('without_vat', '0', '5', '7', '10', '20', '22')),
    check (ends_on is null or ends_on >= signed_on)
);

create table campaign (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9.-]{1,64}$'),
    advertiser_id int not null references advertiser,
    contract_id int not null references contract,
    name text not null,
    kktu text check (kktu ~ '^([1-9]|[12][0-9]|30)\.[0-9]{1,2}\.[0-9]{1,2}$'),
    state text not null default 'draft' check (state in ('draft', 'moderation', 'approved', 'rejected', 'active',
        'paused', 'finished', 'archived'))
);

-- Every change of state: who, when, from, to, why.
create table campaign_transition (
    id bigint generated always as identity primary key,
    campaign_id int not null references campaign,
    changed_at timestamptz not null,
    from_state text,                     -- null when the campaign was created in to_state
    to_state text not null,
    actor text not null,
    reason text not null
);
create index campaign_transition_campaign on campaign_transition (campaign_id, changed_at);

-- What attribution reads of a campaign, versioned: a list changed later never re-credits earlier touches.
create table campaign_version (
    campaign_id int not null references campaign,
    valid_from timestamptz not null,
    valid_to timestamptz not null default 'infinity',
    policy text not null default 'default@1',
    brand_codes text[] not null default '{}',
    listed_skus text[] not null default '{}',
    listed_categories text[] not null default '{}', -- category codes
    primary key (campaign_id, valid_from),
    check (valid_from < valid_to)
);

-- A campaign has one version at a time; checked like the aliases of brands.
create function refuse_campaign_overlap() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtext('nimb campaign version'));
    if exists (
        select 1 from campaign_version a join campaign_version b on b.campaign_id = a.campaign_id
            and b.valid_from > a.valid_from and b.valid_from < a.valid_to
        where a.campaign_id = new.campaign_id
    ) then
        raise exception 'campaign % has two versions at one time', new.campaign_id
            using errcode = 'exclusion_violation', hint = 'let one end where the other begins';
    end if;
    return null;
end $$;
create constraint trigger campaign_version_overlap after insert or update on campaign_version
    deferrable initially deferred for each row execute function refuse_campaign_overlap();

create table line_item (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9.-]{1,64}$'),
    campaign_id int not null references campaign,
    advertiser_id int not null references advertiser,
    name text not null,
    paused boolean not null default false,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    tier text not null default 'auction' check (tier in ('sponsorship', 'guaranteed', 'auction', 'house')),
    pricing text not null check (pricing in ('cpm', 'cpc', 'fixed')),
    bid_micros bigint not null check (bid_micros >= 0), -- cpm: per 1,000 impressions; cpc: per click; fixed: the whole flight
    total_budget_micros bigint check (total_budget_micros >= 0),
    daily_budget_micros bigint check (daily_budget_micros >= 0),
    pacing text not null default 'asap' check (pacing in ('even', 'asap')),
    caps jsonb not null default '[]',       -- [{"count":3,"per":"hour|day|session|lifetime"}]
    targeting jsonb not null default '{}',  -- the documented targeting object
    -- What it promotes, as written: {"skus":[],"categories":[],"brands":[]}; line_item_version holds the SKUs
    -- that this meant in the catalogue of the time.
    promoted jsonb not null default '{}',
    check (starts_at < ends_at)
);

-- The products a line item promotes, versioned like campaign_version.
create table line_item_version (
    line_item_id int not null references line_item,
    valid_from timestamptz not null,
    valid_to timestamptz not null default 'infinity',
    promoted_skus text[] not null default '{}',
    primary key (line_item_id, valid_from),
    check (valid_from < valid_to)
);

create table media (
    sha256 bytea primary key check (octet_length(sha256) = 32),
    content_type text not null check (content_type in ('image/png', 'image/jpeg', 'image/webp', 'image/gif')),
    width int not null check (width > 0),
    height int not null check (height > 0),
    bytes bytea not null check (octet_length(bytes) <= 2097152)
);

create table creative (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9.-]{1,64}$'),
    line_item_id int not null references line_item,
    advertiser_id int not null references advertiser,
    format text not null
);

create table creative_version (
    id int generated always as identity primary key,
    creative_id int not null references creative,
    version int not null check (version > 0),
    fields jsonb not null,
    landing_url text not null,
    media_sha256 bytea[] not null default '{}',
    ord_form text not null,
    erid text check (erid ~ '^[A-Za-z0-9][A-Za-z0-9_-]{5,127}$'),
    erid_status text check (erid_status in ('new', 'verified', 'bad')),
    approved_at timestamptz,
    unique (creative_id, version)
);
create unique index creative_version_erid on creative_version (erid) where erid is not null;

create table wallet_entry (
    id bigint generated always as identity primary key,
    advertiser_id int not null references advertiser,
    kind text not null check (kind in ('top_up', 'withdrawal', 'refund')),
    amount_micros bigint not null,
    reference text not null unique, -- makes a repeated top-up a no-op
    recorded_at timestamptz not null default now(),
    -- The balance is the sum: what is taken out is negative.
    check ((kind = 'withdrawal') = (amount_micros < 0))
);

-- One number per stream of changes. The row lock serialises writers, so a reader that has seen number n
-- has seen every change up to n: a sequence could not promise that.
create table control_version (
    stream text primary key check (stream in ('control', 'stock')),
    version bigint not null
);
insert into control_version values ('control', 1), ('stock', 0);

create function bump_control_version(which text) returns bigint language plpgsql as $$
declare new_version bigint;
begin
    update control_version set version = version + 1 where stream = which returning version into new_version;
    perform pg_notify('nimb_' || which, new_version::text);
    return new_version;
end $$;
