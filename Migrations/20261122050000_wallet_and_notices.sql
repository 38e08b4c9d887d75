-- Money in: what the wallet's entries say of themselves, bank statements; notices, their mail and their webhooks.

alter table retailer add column if not exists revision bigint not null default 1;
alter table advertiser
    add column if not exists revision bigint not null default 1,
    -- Below this balance the advertiser is told; null = less than a day's spend of the last seven days.
    add column low_balance_micros bigint check (low_balance_micros >= 0);

alter table wallet_entry
    add column code text unique check (code ~ '^[A-Za-z0-9.-]{1,64}$'),
    add column reason text not null default '' check (char_length(reason) <= 500),
    add column actor text not null default 'system',
    -- The contract whose VAT regime the entry follows; null = the one in force on the day.
    add column contract_id int references contract,
    -- What was paid, VAT included, and the VAT in it; null for entries that were given without VAT.
    add column paid_kopecks bigint check (paid_kopecks > 0),
    add column vat_kopecks bigint check (vat_kopecks >= 0),
    add column vat_rate text check (vat_rate in ('without_vat', '0', '5', '7', '10', '20', '22')),
    -- What a refund gives back.
    add column charge_id bigint references charge,
    add column campaign_id int references campaign,
    add constraint wallet_entry_paid check ((paid_kopecks is null) = (vat_kopecks is null)),
    add constraint wallet_entry_refund check (kind = 'refund' or (charge_id is null and campaign_id is null));
update wallet_entry set code = 'wal-' || id where code is null;
create function name_wallet_entry() returns trigger language plpgsql as $$
begin
    new.code := coalesce(new.code, 'wal-' || new.id);
    return new;
end $$;
create trigger wallet_entry_name before insert on wallet_entry for each row execute function name_wallet_entry();
create index wallet_entry_advertiser on wallet_entry (advertiser_id, recorded_at);
create index wallet_entry_charge on wallet_entry (charge_id) where charge_id is not null;
create index wallet_entry_campaign on wallet_entry (campaign_id) where campaign_id is not null;
create index charge_corrects on charge (corrects) where corrects is not null;

-- Money is never rewritten: what was wrong is taken back by a further row.
create function refuse_rewriting() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are never changed or removed', tg_table_name
        using errcode = 'restrict_violation', hint = 'add a row that takes back the wrong one';
end $$;
create trigger wallet_entry_append_only before update or delete on wallet_entry
    for each statement execute function refuse_rewriting();
create trigger charge_append_only before update or delete on charge
    for each statement execute function refuse_rewriting();

-- A file of the bank that a person sent in. Rows that an earlier file had brought are counted, not kept again.
create table bank_statement (
    id bigint generated always as identity primary key,
    code text not null unique,
    format text not null check (format in ('1c', 'csv')),
    imported_at timestamptz not null,
    actor text not null,
    documents int not null,
    matched int not null,
    unmatched int not null,
    repeated int not null,
    skipped int not null
);

-- One payment of one payer: the bank's number, the day and the payer's tax number make it the same one.
create table bank_payment (
    id bigint generated always as identity primary key,
    code text not null unique,
    bank_statement_id bigint not null references bank_statement,
    document int not null,               -- place in the file, from 1
    number text not null check (char_length(number) between 1 and 64),
    paid_on date not null,
    payer_inn text not null,             -- empty when the bank gave none
    payer_name text not null default '' check (char_length(payer_name) <= 255),
    amount_kopecks bigint not null check (amount_kopecks > 0), -- VAT included
    purpose text not null default '' check (char_length(purpose) <= 1000),
    state text not null check (state in ('matched', 'unmatched', 'dismissed')),
    -- How the advertiser was found, or why not.
    match text not null check (match in ('contract', 'inn', 'person', 'no_advertiser', 'several_advertisers',
        'no_contract', 'contradiction')),
    advertiser_id int references advertiser,
    wallet_entry_id bigint references wallet_entry,
    revision bigint not null default 1,
    unique (payer_inn, number, paid_on),
    check ((state = 'matched') = (wallet_entry_id is not null)),
    check ((state = 'matched') = (advertiser_id is not null))
);
create index bank_payment_open on bank_payment (id) where state = 'unmatched';

-- Something that somebody should know. `dedupe_key` names the episode: one notice each.
create table notice (
    id bigint generated always as identity primary key,
    code text not null unique,
    kind text not null check (kind in ('creative_rejected', 'campaign_rejected', 'campaign_approved', 'erid_failed',
        'budget_80', 'budget_100', 'low_balance', 'not_delivering', 'feed_late')),
    advertiser_id int references advertiser, -- null = for the retailer alone
    object text not null,                -- "campaign", "line_item", "creative", "advertiser", "feed"
    object_id text not null,             -- its public id
    details jsonb not null default '{}',
    dedupe_key text not null unique check (char_length(dedupe_key) between 1 and 255),
    raised_at timestamptz not null,
    -- When mails and webhook deliveries were made of it; null = not yet.
    dispatched_at timestamptz
);
create index notice_inbox on notice (advertiser_id, id);
create index notice_fresh on notice (id) where dispatched_at is null;

-- Whoever reads: "user:usr-..." or "key:...".
create table notice_read (
    reader text not null,
    notice_id bigint not null references notice on delete cascade,
    read_at timestamptz not null,
    primary key (reader, notice_id)
);

create table notice_preference (
    reader text primary key,
    mail_kinds text[] not null,
    language text not null check (language in ('ru', 'en')),
    revision bigint not null default 1
);

create table webhook (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9.-]{1,64}$'),
    advertiser_id int references advertiser, -- null = the retailer's: every notice
    url text not null check (char_length(url) between 1 and 2000),
    kinds text[] not null check (cardinality(kinds) > 0),
    -- The secret that signs deliveries, sealed with a key that is not in the database.
    sealed_secret bytea not null,
    active boolean not null default true,
    created_at timestamptz not null,
    actor text not null,
    revision bigint not null default 1
);

create table webhook_delivery (
    id bigint generated always as identity primary key,
    code text not null unique,
    webhook_id int not null references webhook on delete cascade,
    notice_id bigint not null references notice,
    advertiser_id int references advertiser, -- the webhook's, so that its owner sees the history
    state text not null check (state in ('pending', 'delivered', 'dead')),
    attempts int not null default 0,     -- since the last redelivery was asked for
    next_attempt_at timestamptz not null,
    created_at timestamptz not null,
    delivered_at timestamptz,
    unique (webhook_id, notice_id)
);
create index webhook_delivery_due on webhook_delivery (next_attempt_at) where state = 'pending';
create index webhook_delivery_history on webhook_delivery (webhook_id, id);

create table webhook_attempt (
    id bigint generated always as identity primary key,
    delivery_id bigint not null references webhook_delivery on delete cascade,
    attempted_at timestamptz not null,
    status int,                          -- of the answer; null when there was none
    error text check (char_length(error) <= 500),
    milliseconds int not null
);
create index webhook_attempt_delivery on webhook_attempt (delivery_id, id);

-- What a person calls a refund of a charge; a repeated one is a no-op.
alter table charge add column reference text unique check (char_length(reference) between 1 and 128);
create index charge_over_delivery on charge (advertiser_id, accounting_day)
    where reason in ('over_budget', 'over_daily_budget', 'over_wallet');

select nimb_tenant_table(t, 'nimb_is_retailer()') from unnest(array['bank_statement', 'bank_payment']) t;
select nimb_tenant_table(t, 'nimb_sees(advertiser_id)') from unnest(array['notice', 'webhook', 'webhook_delivery']) t;
select nimb_tenant_table('webhook_attempt', 'exists (select 1 from webhook_delivery d where d.id = delivery_id)');
-- Whose they are is told by the reader's name, which the API sets from who is calling.
select nimb_tenant_table(t, 'nimb_scope() <> ''''') from unnest(array['notice_read', 'notice_preference']) t;
-- So that an advertiser's own wallet can say what is reserved of it.
select nimb_tenant_table('budget_lease',
    'nimb_is_retailer() or exists (select 1 from line_item l where l.id = line_item_id)', 'nimb_is_retailer()');
select nimb_tenant_table('log_checkpoint', 'nimb_scope() <> ''''', 'nimb_is_retailer()');

-- An advertiser may set the balance below which he is told, and nothing else of his row.
create function set_low_balance(advertiser int, amount bigint, known bigint) returns boolean
language plpgsql security definer set search_path from current as $$
declare before text := current_setting('nimb.scope', true); done boolean;
begin
    if not nimb_sees(advertiser) then return false; end if;
    perform set_config('nimb.scope', 'system', true);
    update advertiser a set low_balance_micros = amount, revision = revision + 1
        where a.id = advertiser and a.revision = known;
    done := found;
    perform set_config('nimb.scope', coalesce(before, ''), true);
    return done;
end $$;
