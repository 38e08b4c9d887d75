-- The month close: states, frozen versions with everything that they are made of, serials of acts, corrections, carries,
-- rates of VAT over time, and what an agency's advertisers are known by.

-- MARK: Ledger

-- `month_closed`: the event belongs to a month that was frozen before its log arrived, so it costs nothing.
-- `carry`: a refund whose act the levy has locked; it waits for a later act of its own row.
alter table charge drop constraint charge_kind_check, drop constraint charge_reason_check;
alter table charge
    add constraint charge_kind_check
        check (kind in ('impression', 'click', 'fixed', 'refund', 'rounding', 'correction', 'carry')),
    add constraint charge_reason_check
        check (reason in ('billed', 'over_budget', 'over_daily_budget', 'over_wallet', 'month_closed', 'accrual',
            'refund', 'rounding', 'correction', 'carry'));
create index charge_carry on charge (corrects) where kind = 'carry';
create index charge_rounding on charge (accounting_day) where kind = 'rounding';

-- MARK: VAT over time

-- Changes of a contract's regime; before the first one the rate of the contract itself is in force.
create table contract_vat (
    contract_id int not null references contract on delete cascade,
    -- The first day of a month: an act has one rate.
    valid_from date not null check (extract(day from valid_from) = 1),
    vat_rate text not null check (vat_rate in ('without_vat', '0', '5', '7', '10', '20', '22')),
    actor text not null,
    reason text not null check (char_length(reason) between 1 and 500),
    recorded_at timestamptz not null,
    primary key (contract_id, valid_from)
);

-- MARK: Agencies

alter table contract drop constraint contract_kind_check;
alter table contract
    add constraint contract_kind_check check (kind in ('service', 'mediation', 'additional')),
    add column action_type text check (action_type in ('distribution', 'conclude', 'commercial', 'other')),
    add column parent_id int references contract,
    add constraint contract_action check ((kind = 'mediation') = (action_type is not null)),
    add constraint contract_parent check ((kind = 'additional') = (parent_id is not null));

-- The advertiser's contract with his agency, as the register knows it. Ours is with the agency; what we show belongs to
-- the advertiser's.
create table agency_cid (
    id int generated always as identity primary key,
    cid text not null unique check (cid ~ '^[A-Za-z0-9-]{1,36}$'),
    advertiser_id int not null references advertiser,
    agency_counterparty_id int not null references counterparty,
    -- Who the advertiser is, as the register has it: his name and at most one identity, the phone beside it.
    name text not null check (char_length(name) between 1 and 255),
    client_inn text,
    client_phone text,
    client_foreign_inn text,
    client_foreign_registration_number text,
    client_foreign_epayment_method text,
    status text not null default 'new' check (status in ('new', 'verified', 'bad')),
    actor text not null,
    recorded_at timestamptz not null,
    revision bigint not null default 1
);
-- Which of them a contract of ours, which is with the agency, is used for.
create table contract_cid (
    contract_id int not null references contract on delete cascade,
    advertiser_id int not null references advertiser,
    agency_cid_id int not null references agency_cid,
    primary key (contract_id, advertiser_id)
);

-- MARK: States

-- One row per month that was ever frozen; a month without a row is open.
create table month_close (
    month date primary key check (extract(day from month) = 1),
    state text not null check (state in ('frozen', 'reconciled', 'acts_issued', 'exported', 'accepted', 'returned')),
    version int not null check (version > 0), -- the newest frozen version
    revision bigint not null default 1
);

create table month_transition (
    id bigint generated always as identity primary key,
    month date not null,
    version int not null,
    from_state text not null,
    to_state text not null,
    at timestamptz not null,
    actor text not null check (char_length(actor) between 1 and 128),
    reason text check (char_length(reason) between 1 and 500),
    details jsonb not null default '{}'
);
create index month_transition_month on month_transition (month, id);

-- A node whose log is not waited for, and by whose word. Events of it that come later cost nothing.
create table month_node_loss (
    month date not null check (extract(day from month) = 1),
    node_id smallint not null references node,
    at timestamptz not null,
    actor text not null check (char_length(actor) between 1 and 128),
    reason text not null check (char_length(reason) between 1 and 500),
    primary key (month, node_id)
);

-- A later date of an act than the month's last day, chosen before the freeze.
create table month_act_date (
    month date not null check (extract(day from month) = 1),
    contract_id int not null references contract,
    act_date date not null,
    actor text not null,
    at timestamptz not null,
    primary key (month, contract_id)
);

-- What an agent acting for the retailer keeps of a month.
create table month_commission (
    month date not null check (extract(day from month) = 1),
    contract_id int not null references contract, -- the mediation contract
    amount_kopecks bigint not null check (amount_kopecks > 0), -- without VAT
    sales_kopecks bigint not null check (sales_kopecks >= 0),  -- what was sold through the agent, without VAT
    serial text not null check (char_length(serial) between 1 and 255),
    commission_date date not null,
    actor text not null,
    at timestamptz not null,
    primary key (month, contract_id)
);

-- A named warning that a person answers for.
create table month_override (
    id bigint generated always as identity primary key,
    month date not null check (extract(day from month) = 1),
    code text not null check (char_length(code) between 1 and 64),
    object text not null check (char_length(object) between 1 and 255),
    field text not null default '' check (char_length(field) <= 255),
    actor text not null check (char_length(actor) between 1 and 128),
    reason text not null check (char_length(reason) between 1 and 500),
    at timestamptz not null,
    unique (month, code, object, field)
);

-- MARK: Frozen versions

create table month_version (
    month date not null,
    version int not null check (version > 0),
    kind text not null check (kind in ('freeze', 'correction')),
    frozen_at timestamptz not null,
    actor text not null,
    reason text,
    time_zone text not null,
    -- The ledger up to here; the rounding rows of the version come after it.
    cut_charge_id bigint not null,
    cut_at timestamptz not null,
    ledger_micros bigint not null,
    shows bigint not null,
    made_by xid8 not null default pg_current_xact_id(), -- the transaction that may add rows to it
    primary key (month, version)
);

-- Counterparties, contracts, pads, creatives, media, line items and the rest of the statement, as they were.
create table month_object (
    month date not null,
    version int not null,
    kind text not null check (kind in ('person', 'contract', 'pad', 'creative', 'media', 'line_item', 'cid',
        'commission', 'actual_start', 'act_date')),
    place int not null,
    body jsonb not null,
    primary key (month, version, kind, place),
    foreign key (month, version) references month_version
);

-- Pictures of a frozen month cannot be removed.
create table month_media (
    month date not null,
    version int not null,
    sha256 bytea not null references media,
    primary key (month, version, sha256),
    foreign key (month, version) references month_version
);

-- What was shown and charged by line item, creative, pad and day. Ids are those of the operator's objects.
create table month_fact (
    month date not null,
    version int not null,
    place int not null,
    line_item text not null,
    creative text,
    pad text,
    day date not null,
    shows bigint not null,
    ledger_micros bigint not null,
    billed_impressions bigint not null,
    billed_clicks bigint not null,
    first_charge_id bigint not null,
    primary key (month, version, place),
    foreign key (month, version) references month_version
);

-- The acts of a version.
create table month_act (
    month date not null,
    version int not null,
    act text not null,           -- external id
    contract text not null,      -- external id
    contract_id int not null references contract,
    serial text not null,
    act_date date not null,
    ledger_micros bigint not null,
    -- Act less ledger, over all rounding rows of the act; null row = nothing to round.
    rounding_micros bigint not null check (rounding_micros between -5000 and 5000),
    rounding_charge_id bigint references charge,
    excluding_kopecks bigint not null,
    vat_rate text not null,
    vat_kopecks bigint not null,
    body jsonb not null,
    primary key (month, version, act),
    foreign key (month, version) references month_version
);

-- Statistics rows of a version, as they are told to the operator.
create table month_row (
    month date not null,
    version int not null,
    creative text not null,
    pad text not null,
    act text,                    -- null = no money or self-promotion
    shows bigint not null,
    excluding_units bigint,      -- 0.00001 RUB
    vat_units bigint,
    body jsonb not null,
    primary key (month, version, creative, pad),
    foreign key (month, version) references month_version
);

-- Serials of acts: per seller and year from 1 without gaps, one per contract and month for good.
create table act_serial (
    month date not null check (extract(day from month) = 1),
    contract_id int not null references contract,
    seller_counterparty_id int not null references counterparty,
    year int not null,
    number int not null check (number > 0),
    serial text not null,
    serial_folded text not null,
    given_at timestamptz not null,
    primary key (month, contract_id),
    unique (seller_counterparty_id, year, number),
    unique (seller_counterparty_id, serial_folded)
);
-- What stands before the year in serials of acts.
alter table counterparty add column act_prefix text not null default 'АКТ'
    check (act_prefix ~ '^[[:alnum:]]{1,16}$');

-- Each manifest that left the house; a correction names the one it supersedes.
create table month_export (
    id bigint generated always as identity primary key,
    month date not null,
    version int not null,
    manifest_sha256 bytea not null check (octet_length(manifest_sha256) = 32),
    at timestamptz not null,
    actor text not null,
    foreign key (month, version) references month_version
);
create index month_export_month on month_export (month, id);

-- What the register says of the levy on an act. A blocked act never changes.
create table act_levy (
    act text primary key,        -- external id
    month date not null,
    contract_id int not null references contract,
    status text not null check (status in ('no_tax', 'calculated', 'blocked')),
    at timestamptz not null,
    actor text not null
);
create index act_levy_month on act_levy (month);

-- MARK: What is frozen stays

create trigger month_transition_stays before update or delete on month_transition
    for each row execute function refuse_change();
create trigger month_node_loss_stays before update or delete on month_node_loss
    for each row execute function refuse_change();
create trigger month_override_stays before update or delete on month_override
    for each row execute function refuse_change();
create trigger act_serial_stays before update or delete on act_serial for each row execute function refuse_change();
create trigger month_export_stays before update or delete on month_export for each row execute function refuse_change();
create trigger month_version_stays before update or delete on month_version
    for each row execute function refuse_change();
create trigger month_object_stays before update or delete on month_object for each row execute function refuse_change();
create trigger month_media_stays before update or delete on month_media for each row execute function refuse_change();
create trigger month_fact_stays before update or delete on month_fact for each row execute function refuse_change();
create trigger month_act_stays before update or delete on month_act for each row execute function refuse_change();
create trigger month_row_stays before update or delete on month_row for each row execute function refuse_change();

-- Rows join a version in the transaction that makes it, and never later.
create function refuse_late_frozen_row() returns trigger language plpgsql as $$
begin
    if exists (select 1 from added a join month_version v using (month, version)
        where v.made_by <> pg_current_xact_id()) then
        raise exception 'a frozen version takes no further rows'
            using errcode = 'integrity_constraint_violation', hint = 'make a correction';
    end if;
    return null;
end $$;
do $$ declare t text; begin
    foreach t in array array['month_object', 'month_media', 'month_fact', 'month_act', 'month_row'] loop
        execute format('create trigger %I after insert on %I referencing new table as added
            for each statement execute function refuse_late_frozen_row()', t || '_complete', t);
    end loop;
end $$;

create function keep_blocked_act() returns trigger language plpgsql as $$
begin
    if old.status = 'blocked' and (tg_op = 'DELETE' or new.status <> 'blocked') then
        raise exception 'the levy on act % is charged', old.act using errcode = 'restrict_violation',
            hint = 'compensate it in the open month';
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end $$;
create trigger act_levy_keep before update or delete on act_levy for each row execute function keep_blocked_act();

-- Nothing with an amount posts to a frozen month, except what a correction of that very month allows. The lock is the
-- one under which ledgers are written and months are frozen, so that nobody slips in between.
create function refuse_frozen_month() returns trigger language plpgsql as $$
declare
    late date;
    allowed text := coalesce(current_setting('nimb.corrected_month', true), '');
begin
    perform pg_advisory_xact_lock(7956010484400914433);
    select m.month into late from added a join month_close m on m.month = date_trunc('month', a.accounting_day)::date
        where a.amount_micros <> 0 and m.month::text <> allowed limit 1;
    if found then
        raise exception 'the month % is frozen', to_char(late, 'YYYY-MM')
            using errcode = 'integrity_constraint_violation',
                hint = 'post to the open month, or correct the frozen one';
    end if;
    return null;
end $$;
create trigger charge_month_open after insert on charge
    referencing new table as added for each statement execute function refuse_frozen_month();

-- MARK: Tenants

select nimb_tenant_table('contract_vat', 'exists (select 1 from contract c where c.id = contract_id)',
    'nimb_is_retailer()');
select nimb_tenant_table('agency_cid', 'nimb_sees(advertiser_id)', 'nimb_is_retailer()');
select nimb_tenant_table('contract_cid', 'nimb_sees(advertiser_id)', 'nimb_is_retailer()');
select nimb_tenant_table('month_close', 'nimb_scope() <> ''''', 'nimb_is_retailer()');
select nimb_tenant_table(t, 'nimb_is_retailer()') from unnest(array['month_transition', 'month_node_loss',
    'month_act_date', 'month_commission', 'month_override', 'month_version', 'month_object', 'month_media', 'month_fact',
    'month_act', 'month_row', 'act_serial', 'month_export', 'act_levy']) t;
