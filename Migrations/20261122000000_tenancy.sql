-- Who may see which row. The management API connects as role nimb_app, which owns nothing and bypasses nothing; each
-- of its transactions names its tenant with SET LOCAL. Serving and shipping name the scope "system" once a session.
-- Without a tenant every tenant table shows 0 rows, because every policy below is then false.

do $$ begin
    if not exists (select 1 from pg_roles where rolname = 'nimb_app') then
        create role nimb_app nologin nosuperuser nobypassrls;
    end if;
exception when duplicate_object or unique_violation then null; -- another database of the cluster was faster
end $$;
-- So that the role that migrates (and serves) can take it with SET ROLE.
do $$ begin
    if not pg_has_role(current_user, 'nimb_app', 'member') then execute format('grant nimb_app to %I', current_user); end if;
end $$;
do $$ begin execute format('grant usage on schema %I to nimb_app', current_schema()); end $$;

create function nimb_scope() returns text language sql stable parallel safe as
$$ select coalesce(current_setting('nimb.scope', true), '') $$;

-- Serving, shipping and jobs: they work for all tenants.
create function nimb_is_system() returns boolean language sql stable parallel safe as
$$ select nimb_scope() = 'system' $$;

-- The retailer's people see every advertiser.
create function nimb_is_retailer() returns boolean language sql stable parallel safe as
$$ select nimb_scope() in ('system', 'retailer') $$;

-- Whether rows of an advertiser may be seen and written; null (a row of nobody) is the retailer's.
create function nimb_sees(advertiser int) returns boolean language sql stable parallel safe as
$$ select nimb_scope() in ('system', 'retailer') or (nimb_scope() = 'advertisers'
    and advertiser = any (string_to_array(coalesce(current_setting('nimb.advertisers', true), ''), ',')::int[])) $$;

-- Puts a table under the policies: `visible` for reading, `writable` for writing (the same unless given).
create function nimb_tenant_table(name text, visible text, writable text default null) returns void
language plpgsql as $$
begin
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('drop policy if exists nimb_read on %I', name);
    execute format('drop policy if exists nimb_insert on %I', name);
    execute format('drop policy if exists nimb_update on %I', name);
    execute format('drop policy if exists nimb_delete on %I', name);
    execute format('create policy nimb_read on %I for select using (%s)', name, visible);
    execute format('create policy nimb_insert on %I for insert with check (%s)', name, coalesce(writable, visible));
    execute format('create policy nimb_update on %I for update using (%s) with check (%s)', name,
        coalesce(writable, visible), coalesce(writable, visible));
    execute format('create policy nimb_delete on %I for delete using (%s)', name, coalesce(writable, visible));
    execute format('grant select, insert, update, delete on %I to nimb_app', name);
end $$;

-- Of the retailer, or of nobody in particular: read by all who are somebody, written by the retailer.
select nimb_tenant_table(t, 'nimb_scope() <> ''''', 'nimb_is_retailer()') from unnest(array['retailer', 'stock_location',
    'storefront', 'placement', 'brand', 'category', 'product', 'stock', 'control_version']) t;
select nimb_tenant_table('brand_alias', 'nimb_scope() <> ''''', 'nimb_is_retailer()');
select nimb_tenant_table(t, 'nimb_is_retailer()') from unnest(array['feed_import', 'node', 'log_checkpoint',
    'client_event_identity', 'delivery_day', 'refused_day', 'budget_lease', 'identity_link', 'decision', 'signal',
    'customer_order', 'order_line', 'order_adjustment', 'invalid_event']) t;

-- An advertiser's own.
select nimb_tenant_table('advertiser', 'nimb_sees(id)', 'nimb_is_retailer()');
select nimb_tenant_table('counterparty', $$nimb_is_retailer()
    or exists (select 1 from advertiser a where a.counterparty_id = counterparty.id)
    or exists (select 1 from contract c where counterparty.id in (c.client_counterparty_id, c.contractor_counterparty_id))
    $$, 'nimb_is_retailer()');
select nimb_tenant_table(t, 'nimb_sees(advertiser_id)', 'nimb_is_retailer()') from unnest(array['brand_grant', 'contract',
    'wallet_entry', 'charge', 'credit', 'ad_event', 'touch', 'performance_day', 'advertiser_spend']) t;
select nimb_tenant_table(t, 'nimb_sees(advertiser_id)') from unnest(array['api_key', 'campaign', 'line_item', 'creative']) t;
select nimb_tenant_table(t, 'exists (select 1 from campaign c where c.id = campaign_id)') from unnest(array[
    'campaign_transition', 'campaign_version']) t;
select nimb_tenant_table('line_item_version', 'exists (select 1 from line_item l where l.id = line_item_id)');
select nimb_tenant_table(t, 'exists (select 1 from line_item l where l.id = line_item_id)', 'nimb_is_retailer()')
    from unnest(array['line_item_spend', 'line_item_day_spend']) t;
select nimb_tenant_table('creative_version', 'exists (select 1 from creative c where c.id = creative_id)');
-- Pictures are named by the hash of their content and shown to every shopper.
select nimb_tenant_table('media', 'nimb_scope() <> ''''');

-- A version is bumped by whoever changes what is served; the function answers for the retailer.
create or replace function bump_control_version(which text) returns bigint language plpgsql security definer
set search_path from current as $$
declare new_version bigint; before text := current_setting('nimb.scope', true);
begin
    perform set_config('nimb.scope', 'system', true);
    update control_version set version = version + 1 where stream = which returning version into new_version;
    perform set_config('nimb.scope', coalesce(before, ''), true);
    perform pg_notify('nimb_' || which, new_version::text);
    return new_version;
end $$;

-- Answers of creating requests, so that a repeated request gets the same answer and changes nothing.
create table idempotency_key (
    actor text not null,
    key text not null check (char_length(key) between 1 and 255),
    request_hash bytea not null,             -- SHA-256 of method, path and body
    status int,                              -- null while the first request runs
    content_type text,
    headers jsonb not null default '{}',
    body bytea,                              -- null when the answer holds a secret that is shown once
    created_at timestamptz not null,
    primary key (actor, key)
);
create index idempotency_key_age on idempotency_key (created_at);
select nimb_tenant_table('idempotency_key', 'nimb_scope() <> ''''');

-- Which worker runs a job now; one that died is forgotten when its time is over.
create table job_lock (
    name text primary key,
    held_until timestamptz not null
);
select nimb_tenant_table('job_lock', 'nimb_is_system()');
