-- Audiences: named groups of shoppers, described by conditions; where cohorts of buyers begin; shoppers who were erased.

create table audience (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9.-]{1,64}$'),
    advertiser_id int references advertiser, -- whose it is; null = the retailer's, offered to everybody
    name text not null check (char_length(name) between 1 and 255),
    condition jsonb not null,            -- the documented tree
    created_at timestamptz not null,
    actor text not null,
    revision bigint not null default 1
);
create index audience_advertiser on audience (advertiser_id) where advertiser_id is not null;
select nimb_tenant_table('audience', 'nimb_sees(advertiser_id) or (advertiser_id is null and nimb_scope() <> '''')',
    'nimb_sees(advertiser_id)');

-- Where cohorts begin and end: days since the last order, numbers of orders, percent of buyers by 12-month spend.
create table rfm_setting (
    id int primary key default 1 check (id = 1),
    active_days int not null default 30 check (active_days between 1 and 3650),
    cooling_days int not null default 90 check (cooling_days between 1 and 3650),
    sleeping_days int not null default 180 check (sleeping_days between 1 and 3650),
    repeat_orders int not null default 2 check (repeat_orders between 2 and 1000),
    champion_orders int not null default 5 check (champion_orders between 2 and 1000),
    champion_percent int not null default 20 check (champion_percent between 0 and 100),
    revision bigint not null default 1,
    check (active_days < cooling_days and cooling_days < sleeping_days),
    check (repeat_orders < champion_orders)
);
insert into rfm_setting default values;
select nimb_tenant_table('rfm_setting', 'nimb_scope() <> ''''', 'nimb_is_retailer()');

-- Shoppers whose data is to be forgotten. Nodes forget at once and for good what their logs may still say of them; the
-- rows are re-keyed when everything that was said before is shipped.
create table erasure (
    id bigint generated always as identity primary key,
    code text not null unique,
    -- Keyed hashes of the visitor and customer ids, as nodes name shoppers: they tell nothing without the key.
    shopper_keys bigint[] not null,
    -- The ids themselves, until the rows are re-keyed; then empty.
    visitor_ids text[] not null,
    customer_ids text[] not null,
    requested_at timestamptz not null,
    actor text not null,
    done_at timestamptz,                 -- null = still waiting for logs to be shipped
    check (done_at is null or (visitor_ids = '{}' and customer_ids = '{}'))
);
create index erasure_open on erasure (id) where done_at is null;
create index erasure_recent on erasure (requested_at);
select nimb_tenant_table('erasure', 'nimb_is_retailer()');

do $$
declare
    watched text;
begin
    foreach watched in array array['audience', 'rfm_setting', 'erasure'] loop
        execute format('create trigger note_setting_insert after insert on %I referencing new table as new_rows
            for each statement execute function note_control_change(''setting'', ''id'', '''')', watched);
        execute format('create trigger note_setting_update after update on %I referencing old table as old_rows
            new table as new_rows for each statement execute function note_control_change(''setting'', ''id'', '''')',
            watched);
        execute format('create trigger note_setting_delete after delete on %I referencing old table as old_rows
            for each statement execute function note_control_change(''setting'', ''id'', '''')', watched);
    end loop;
end $$;

-- What the facts of audiences and profiles are read by.
create index signal_kind on signal (kind, occurred_at) where visitor_id is not null;
