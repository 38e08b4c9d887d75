-- Serving: which rows changed under which control version, and the switch that stops ads.

-- Changes of what decisions are made from. A reader that holds version n reads the rows that commits after n name,
-- instead of everything. The rows are noted by triggers, so that no way of writing can forget them.
create sequence control_batch_number;
grant usage on sequence control_batch_number to nimb_app;

-- One row per transaction that changed anything.
create table control_batch (batch bigint primary key);
create table control_change (
    batch bigint not null,
    kind text not null check (kind in ('line_item', 'campaign', 'creative', 'product', 'advertiser', 'counterparty',
        'wallet', 'setting')),
    row_id int                           -- null: more rows than are worth naming
);
create index control_change_batch on control_change (batch);
create table control_commit (version bigint primary key, batch bigint not null);
create index control_commit_batch on control_commit (batch);
-- Commits after this version are complete; who knows an older one has to read everything.
create table control_history (
    id int primary key default 1 check (id = 1),
    complete_since bigint not null
);
insert into control_history (complete_since) select version from control_version where stream = 'control';

select nimb_tenant_table('control_batch', 'nimb_is_system()', 'true');
select nimb_tenant_table('control_change', 'nimb_is_system()', 'true');
select nimb_tenant_table('control_commit', 'nimb_is_system()', 'true');
select nimb_tenant_table('control_history', 'nimb_is_system()');

-- Arguments: kind of change; column that names the changed thing; columns that matter ('' = any).
create function note_control_change() returns trigger language plpgsql as $$
declare
    named_limit constant int := 20000;
    open_batch bigint := nullif(current_setting('nimb.change_batch', true), '')::bigint;
    this_batch bigint := open_batch;
    source text;
    found_rows bigint;
begin
    source := case
        when TG_OP = 'INSERT' then format('select %I as row_id from new_rows', TG_ARGV[1])
        when TG_OP = 'DELETE' then format('select %I as row_id from old_rows', TG_ARGV[1])
        when TG_ARGV[2] = '' then
            format('select %1$I as row_id from new_rows union select %1$I from old_rows', TG_ARGV[1])
        else format('select n.%I as row_id from new_rows n join old_rows o on o.id = n.id where (%s) is distinct from (%s)',
            TG_ARGV[1], 'n.' || replace(TG_ARGV[2], ',', ',n.'), 'o.' || replace(TG_ARGV[2], ',', ',o.'))
        end;
    execute format('select count(*) from (select distinct row_id from (%s) r limit %s) c', source, named_limit + 1)
        into found_rows;
    if found_rows = 0 then return null; end if;
    if this_batch is null then this_batch := nextval('control_batch_number'); end if;
    if found_rows > named_limit then
        insert into control_change (batch, kind) values (this_batch, TG_ARGV[0]);
    else
        execute format(
            'insert into control_change (batch, kind, row_id) select distinct $1, $2, row_id from (%s) r', source)
            using this_batch, TG_ARGV[0];
    end if;
    if open_batch is null then
        -- Rolled back with a savepoint, like the rows themselves.
        perform set_config('nimb.change_batch', this_batch::text, true);
        insert into control_batch values (this_batch);
    end if;
    return null;
end $$;

-- Gives the open batch of the transaction its version; what follows in the same transaction belongs to it too.
create or replace function bump_control_version(which text) returns bigint language plpgsql security definer
set search_path from current as $$
declare
    new_version bigint;
    before text := current_setting('nimb.scope', true);
    open_batch bigint := nullif(current_setting('nimb.change_batch', true), '')::bigint;
begin
    perform set_config('nimb.scope', 'system', true);
    update control_version set version = version + 1 where stream = which returning version into new_version;
    if which = 'control' and open_batch is not null then
        insert into control_commit (version, batch) values (new_version, open_batch);
    end if;
    perform set_config('nimb.scope', coalesce(before, ''), true);
    perform pg_notify('nimb_' || which, new_version::text);
    return new_version;
end $$;

-- At the end of the transaction, so that the row lock of the version is held for as short as can be, and only where
-- nobody has asked for a version before.
create function commit_control_batch() returns trigger language plpgsql security definer
set search_path from current as $$
declare
    before text := current_setting('nimb.scope', true);
    is_done boolean;
begin
    perform set_config('nimb.scope', 'system', true);
    is_done := exists (select from control_commit where batch = new.batch);
    perform set_config('nimb.scope', coalesce(before, ''), true);
    if not is_done then perform bump_control_version('control'); end if;
    return null;
end $$;
create constraint trigger control_batch_commit after insert on control_batch
    deferrable initially deferred for each row execute function commit_control_batch();

do $$
declare
    watched record;
begin
    for watched in select * from (values
        ('line_item', 'line_item', 'id', ''), ('line_item_version', 'line_item', 'line_item_id', ''),
        ('campaign', 'campaign', 'id', ''), ('creative', 'creative', 'id', ''),
        ('creative_version', 'creative', 'creative_id', ''),
        ('product', 'product', 'id', 'id,sku,name,brand,url,picture_url,category_ids'),
        ('advertiser', 'advertiser', 'id', ''), ('advertiser', 'counterparty', 'counterparty_id', 'id,counterparty_id'),
        ('counterparty', 'counterparty', 'id', 'id,name,inn,foreign_inn'),
        ('wallet_entry', 'wallet', 'advertiser_id', ''), ('retailer', 'setting', 'id', ''),
        ('stock_location', 'setting', 'id', ''), ('storefront', 'setting', 'id', ''),
        ('placement', 'setting', 'id', ''), ('brand', 'setting', 'id', ''), ('brand_alias', 'setting', 'id', ''),
        ('category', 'setting', 'id', ''),
        -- A key is touched whenever it is used.
        ('api_key', 'setting', 'id', 'id,hash,kind,storefront_id,expires_at,revoked_at')
    ) w (name, kind, key, compared)
    loop
        execute format('create trigger %I after insert on %I referencing new table as new_rows
            for each statement execute function note_control_change(%L, %L, %L)',
            'note_' || watched.kind || '_insert', watched.name, watched.kind, watched.key, watched.compared);
        execute format('create trigger %I after update on %I referencing old table as old_rows
            new table as new_rows for each statement execute function note_control_change(%L, %L, %L)',
            'note_' || watched.kind || '_update', watched.name, watched.kind, watched.key, watched.compared);
        execute format('create trigger %I after delete on %I referencing old table as old_rows
            for each statement execute function note_control_change(%L, %L, %L)',
            'note_' || watched.kind || '_delete', watched.name, watched.kind, watched.key, watched.compared);
    end loop;
end $$;

-- Forgets commits older than the last `kept` versions.
create function prune_control_changes(kept bigint) returns void language plpgsql as $$
declare
    oldest bigint;
begin
    select version - kept into oldest from control_version where stream = 'control';
    -- Nodes take turns; whoever comes second finds nothing to do.
    update control_history set complete_since = oldest where complete_since < oldest;
    if not found then return; end if;
    delete from control_change c using control_commit k where k.batch = c.batch and k.version <= oldest;
    delete from control_batch b using control_commit k where k.batch = b.batch and k.version <= oldest;
    delete from control_commit where version <= oldest;
end $$;

-- What changed rows, and validity that begins or ends, are found by.
create index serving_version_from on line_item_version (valid_from) where valid_from > '-infinity';
create index serving_version_to on line_item_version (valid_to) where valid_to < 'infinity';
create index serving_creative_approved on creative_version (approved_at) where approved_at is not null;
create index serving_line_advertiser on line_item (advertiser_id);
create index serving_creative_line on creative (line_item_id);
create index serving_version_skus on line_item_version using gin (promoted_skus);

-- What must not serve at all now; without a storefront: nothing anywhere. Read by every node apart from all else.
create table serving_stop (
    storefront_id int references storefront,
    reason text not null check (char_length(reason) between 1 and 500),
    actor text not null,
    stopped_at timestamptz not null,
    unique nulls not distinct (storefront_id)
);
select nimb_tenant_table('serving_stop', 'nimb_is_retailer()');

create function announce_serving_stop() returns trigger language plpgsql as $$
begin
    perform pg_notify('nimb_stop', '');
    return null;
end $$;
create trigger serving_stop_changed after insert or update or delete on serving_stop
    for each statement execute function announce_serving_stop();

-- What pages asked for, of one in `parts` shoppers, for 28 days: what plans are estimated from.
create table planning_setting (
    id int primary key default 1 check (id = 1),
    sample_parts int not null default 16 check (sample_parts between 1 and 1024)
);
insert into planning_setting default values;
select nimb_tenant_table('planning_setting', 'nimb_scope() <> ''''', 'nimb_is_retailer()');
create table request_sample (
    day date not null,                   -- UTC day of the decision
    decision_id uuid not null,
    decided_at timestamptz not null,
    storefront_id int not null,
    page_type text not null,
    device text not null,
    region text,                         -- ISO 3166-2, or 3166-1
    category_id int,                     -- the page's category, or that of its product
    brand_id int,
    visitor bigint,                      -- hash of the shopper; null without consent
    placement_ids int[] not null,        -- one per slot asked for
    parts int not null,
    primary key (day, decision_id)
) partition by range (day);
select nimb_tenant_table('request_sample', 'nimb_is_retailer()');

create function drop_old_request_samples(before date) returns void language plpgsql as $$
declare
    old record;
begin
    for old in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'request_sample'::regclass
            and c.relname < 'request_sample_' || to_char(before, 'YYYYMMDD')
    loop
        execute format('drop table %I', old.relname);
    end loop;
end $$;
