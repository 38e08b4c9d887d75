-- What finance publishes of attribution, what is found invalid afterwards, and the keys that blind an advertiser's
-- own export (attribution.md, rules 21 and 22).

-- MARK: Events found invalid after they were billed and credited

-- The row stays: it is what makes a second delivery a duplicate, and what explains why a touch earns nothing.
alter table ad_event add column invalid_reason text;
alter table touch add column invalid_reason text;

create table event_invalidation (
    id bigint generated always as identity primary key,
    decision_day date not null,
    decision_id uuid not null,
    ad smallint not null,
    kind smallint not null,
    card smallint not null,
    advertiser_id int not null references advertiser,
    touch_id text not null,
    reason text not null check (reason in ('bot_agent', 'datacenter', 'rate', 'replay', 'late', 'forged', 'prefetch',
        'impossible_sequence')),
    note text check (char_length(note) <= 500),
    actor text not null,
    refund_charge_id bigint references charge, -- what gave the money back; null when the event cost nothing
    recorded_at timestamptz not null,
    unique (decision_day, decision_id, ad, kind, card)
);
create index event_invalidation_advertiser on event_invalidation (advertiser_id, id);

-- MARK: Publications

create index customer_order_time on customer_order (ordered_at);
create index credit_order_date on credit (ordered_at);
create index credit_month on credit (posting_month);

-- A month's numbers as they were told. The ledger only grows, so `through_credit_id` freezes them: what a version
-- said is the sum of the rows up to it. The first version closes the month (rule 21); later versions restate it.
create table attribution_publication (
    id bigint generated always as identity primary key,
    code text not null unique check (code ~ '^pub-[a-z0-9]{13}$'),
    month date not null check (extract(day from month) = 1),
    version int not null check (version > 0),
    published_at timestamptz not null,
    published_by text not null,
    note text check (char_length(note) <= 500),
    through_credit_id bigint not null check (through_credit_id >= 0),
    data_through timestamptz not null,
    orders bigint not null,
    inputs_hash bytea not null check (octet_length(inputs_hash) = 32),  -- of every row the recomputation read
    policy_hash bytea not null check (octet_length(policy_hash) = 32),  -- of the texts of the policies used
    result_hash bytea not null check (octet_length(result_hash) = 32),  -- net position of the month's orders
    posting_hash bytea not null check (octet_length(posting_hash) = 32), -- rows posted to the month: never change
    unique (month, version)
);

-- The same per policy and advertiser, so that each can check his own share.
create table attribution_publication_share (
    publication_id bigint not null references attribution_publication,
    policy text not null,
    advertiser_id int not null references advertiser,
    entries bigint not null,
    units bigint not null,
    amount_micros bigint not null,
    result_hash bytea not null check (octet_length(result_hash) = 32),
    primary key (publication_id, policy, advertiser_id)
);

-- What was published stays, and so does the ledger: both only grow.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are never changed or removed', tg_table_name
        using errcode = 'integrity_constraint_violation', hint = 'append a row that corrects the old one';
end $$;
create trigger attribution_publication_stays before update or delete on attribution_publication
    for each row execute function refuse_change();
create trigger attribution_publication_share_stays before update or delete on attribution_publication_share
    for each row execute function refuse_change();
create trigger event_invalidation_stays before update or delete on event_invalidation
    for each row execute function refuse_change();
create trigger credit_stays before update or delete on credit
    for each row execute function refuse_change();

-- No row may post to a month that is published.
create function refuse_published_month() returns trigger language plpgsql as $$
declare late date;
begin
    select a.posting_month into late from added a join attribution_publication p on p.month = a.posting_month limit 1;
    if found then
        raise exception 'the month % is published', to_char(late, 'YYYY-MM')
            using errcode = 'integrity_constraint_violation', hint = 'post the row to the month of its recording';
    end if;
    return null;
end $$;
create trigger credit_month_open after insert on credit
    referencing new table as added for each statement execute function refuse_published_month();

-- MARK: Blinding

-- Under this key the shoppers and orders of an advertiser's export become opaque ids; no two advertisers share one.
create table advertiser_blinding (
    advertiser_id int primary key references advertiser on delete cascade,
    key bytea not null default uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
        check (octet_length(key) = 32)
);
insert into advertiser_blinding (advertiser_id) select id from advertiser;
create function add_advertiser_blinding() returns trigger language plpgsql as $$
begin
    insert into advertiser_blinding (advertiser_id) values (new.id);
    return null;
end $$;
create trigger advertiser_blinding_key after insert on advertiser
    for each row execute function add_advertiser_blinding();

-- MARK: Reports

-- SHA-256 of where everything stands that a report is made of: each log's shipped position, the newest rows of the
-- ledgers, the newest invalidation and the version of what is set up. Reports of one hash had the same inputs. Positions
-- are the retailer's to know, their hash is everybody's.
create function report_inputs_hash() returns text language plpgsql security definer stable
set search_path from current as $$
declare before text := current_setting('nimb.scope', true); found text;
begin
    perform set_config('nimb.scope', 'system', true);
    select encode(sha256(convert_to(concat_ws(E'\n', 'nimb report inputs/1',
        (select string_agg(node_id || ' ' || log_id || ' ' || position, E'\n' order by node_id, log_id)
            from log_checkpoint),
        'charge ' || (select coalesce(max(id), 0) from charge), 'credit ' || (select coalesce(max(id), 0) from credit),
        'invalidation ' || (select coalesce(max(id), 0) from event_invalidation),
        'control ' || (select version from control_version where stream = 'control')), 'UTF8')), 'hex') into found;
    perform set_config('nimb.scope', coalesce(before, ''), true);
    return found;
end $$;

-- MARK: Tenants

select nimb_tenant_table('event_invalidation', 'nimb_sees(advertiser_id)', 'nimb_is_retailer()');
select nimb_tenant_table('attribution_publication', 'nimb_scope() <> ''''', 'nimb_is_retailer()');
select nimb_tenant_table('attribution_publication_share', 'nimb_sees(advertiser_id)', 'nimb_is_retailer()');
-- Whoever holds the key can tell which shopper is which: only the code that blinds reads it.
select nimb_tenant_table('advertiser_blinding', 'nimb_is_system()', 'nimb_is_retailer()');
