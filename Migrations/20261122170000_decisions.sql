-- Decisions explained, forecasts of traffic, caps shared between nodes.

-- What pages asked for, hour by hour of the accounting day: what the curve of a day is forecast from.
create table traffic_hour (
    day date not null,                   -- accounting day
    hour smallint not null check (hour between 0 and 23), -- hours since it began; a longer day ends in the last
    placement_id int not null,
    slots bigint not null default 0,
    primary key (day, hour, placement_id)
);
select nimb_tenant_table('traffic_hour', 'nimb_is_retailer()');

-- What serving read a few days ago: each row as it was before a change, by the control version that changed it, so that
-- a decision can be asked again with the snapshot it was made from. The catalogue's products and stock are not kept.
create table serving_history (
    id bigint generated always as identity primary key,
    batch bigint not null,
    source text not null,                -- table
    row_key text not null,
    image jsonb                          -- null: the row was not there before
);
create index serving_history_batch on serving_history (batch, source, row_key);
create table serving_history_commit (
    version bigint primary key,
    batch bigint not null,
    committed_at timestamptz not null default now()
);
create index serving_history_commit_batch on serving_history_commit (batch);
-- Versions before this one cannot be made again.
create table serving_history_start (
    id int primary key default 1 check (id = 1),
    version bigint not null
);
insert into serving_history_start (version) select version from control_version where stream = 'control';
select nimb_tenant_table('serving_history', 'nimb_is_system()', 'true');
select nimb_tenant_table('serving_history_commit', 'nimb_is_system()', 'true');
select nimb_tenant_table('serving_history_start', 'nimb_is_system()');

-- Tables that are kept, and expressions of their rows' keys.
create function serving_history_sources() returns table (name text, key text) language sql immutable as $$
    values ('line_item', 'r.id'), ('line_item_version', 'r.line_item_id || '' '' || (r.valid_from at time zone ''UTC'')'),
        ('campaign', 'r.id'), ('creative', 'r.id'), ('creative_version', 'r.id'), ('advertiser', 'r.id'),
        ('retailer', 'r.id'), ('stock_location', 'r.id'), ('storefront', 'r.id'), ('placement', 'r.id'),
        ('brand', 'r.id'), ('brand_alias', 'r.id'), ('category', 'r.id')
$$;

-- Argument: expression of the key of row `r`. The trigger's name sorts behind those of the triggers that open a batch.
create function keep_serving_history() returns trigger language plpgsql as $$
declare
    this_batch bigint := nullif(current_setting('nimb.change_batch', true), '')::bigint;
begin
    -- Nothing that serving reads has changed.
    if this_batch is null then return null; end if;
    if TG_OP <> 'INSERT' then
        execute format('insert into serving_history (batch, source, row_key, image)
            select $1, %L, (%s)::text, to_jsonb(r) from old_rows r', TG_TABLE_NAME, TG_ARGV[0]) using this_batch;
    end if;
    if TG_OP = 'INSERT' then
        execute format('insert into serving_history (batch, source, row_key)
            select $1, %L, (%s)::text from new_rows r', TG_TABLE_NAME, TG_ARGV[0]) using this_batch;
    elsif TG_OP = 'UPDATE' then
        -- A row under a new key was not there before.
        execute format('insert into serving_history (batch, source, row_key) select $1, %1$L, k.key from (
            select (%2$s)::text as key from new_rows r except select (%2$s)::text from old_rows r) k',
            TG_TABLE_NAME, TG_ARGV[0]) using this_batch;
    end if;
    return null;
end $$;

do $$
declare
    kept record;
begin
    for kept in select * from serving_history_sources() loop
        execute format('create trigger zz_keep_insert after insert on %I referencing new table as new_rows
            for each statement execute function keep_serving_history(%L)', kept.name, kept.key);
        execute format('create trigger zz_keep_update after update on %I referencing old table as old_rows
            new table as new_rows for each statement execute function keep_serving_history(%L)', kept.name, kept.key);
        execute format('create trigger zz_keep_delete after delete on %I referencing old table as old_rows
            for each statement execute function keep_serving_history(%L)', kept.name, kept.key);
    end loop;
end $$;

-- Puts, until the transaction ends, temporary tables with the state of an earlier version in place of those that have
-- changed since; false when that version is not kept.
create function restore_serving_snapshot(wanted bigint) returns boolean language plpgsql as $$
declare
    kept record;
    home text;
begin
    if wanted < (select version from serving_history_start)
        or wanted > (select version from control_version where stream = 'control') then return false; end if;
    for kept in select * from serving_history_sources() s where exists (
        select from serving_history h join serving_history_commit c on c.batch = h.batch
        where h.source = s.name and c.version > wanted)
    loop
        home := quote_ident(current_schema()) || '.' || quote_ident(kept.name);
        execute format('create temporary table %I on commit drop as
            with changed as materialized (
                select distinct on (h.row_key) h.row_key, h.image
                from serving_history h join serving_history_commit c on c.batch = h.batch
                where h.source = %L and c.version > %s order by h.row_key, c.version, h.id
            )
            select r.* from %s r where not exists (select from changed where row_key = (%s)::text)
            union all
            select p.* from changed, jsonb_populate_record(null::%s, image) p where image is not null',
            kept.name, kept.name, wanted, home, kept.key, home);
    end loop;
    return true;
end $$;

create function keep_serving_commit() returns trigger language plpgsql as $$
begin
    insert into serving_history_commit (version, batch) values (new.version, new.batch) on conflict do nothing;
    return null;
end $$;
create trigger zz_keep_commit after insert on control_commit for each row execute function keep_serving_commit();

-- Forgets what was changed before an instant.
create function prune_serving_history(before timestamptz) returns void language plpgsql as $$
declare
    oldest bigint;
begin
    select max(version) into oldest from serving_history_commit where committed_at < before;
    if oldest is null then return; end if;
    -- Nodes take turns; whoever comes second finds nothing to do.
    update serving_history_start set version = oldest where version < oldest;
    if not found then return; end if;
    delete from serving_history h using serving_history_commit c where c.batch = h.batch and c.version <= oldest;
    delete from serving_history_commit where version <= oldest;
end $$;

-- Frequency caps over several nodes. Each shopper's caps are counted by one node, his home: one of the members of an
-- epoch by a hash. When a node joins or leaves, a new epoch begins, and each member hands over the counters of the
-- shoppers that move; until then nobody serves capped line items to these.
create table cap_epoch (
    epoch bigint primary key,
    members smallint[] not null,
    began_at timestamptz not null
);
create table cap_member (
    node_id smallint primary key references node,
    -- A node counts until here unless it renews; afterwards others may take its shoppers.
    lease_until timestamptz not null,
    -- Epochs of which it has handed over its shoppers, and which it serves by.
    handed_epoch bigint not null,
    settled_epoch bigint not null
);
create table cap_handover (
    epoch bigint not null,
    to_node smallint not null,
    from_node smallint not null,
    shopper bigint not null,
    caps bytea not null,
    primary key (epoch, to_node, from_node, shopper)
);
-- Impressions that reached another node than the shopper's home.
create table cap_confirmation (
    id bigint generated always as identity primary key,
    to_node smallint not null,
    shopper bigint not null,
    line_item_id int not null,
    advertiser_id int not null,
    decided_at timestamptz not null
);
create index cap_confirmation_home on cap_confirmation (to_node, id);
select nimb_tenant_table(t, 'nimb_is_system()') from unnest(array['cap_epoch', 'cap_member', 'cap_handover',
    'cap_confirmation']) t;
