-- What papers say of the parties, invoices for top-ups, and what a format shows.

-- Address, bank and signatory: printed on acts and invoices, told to nobody else.
alter table counterparty
    add column address text check (char_length(address) between 1 and 500),
    add column bank_name text check (char_length(bank_name) between 1 and 255),
    add column bank_bik text check (bank_bik ~ '^[0-9]{9}$'),
    add column bank_account text check (bank_account ~ '^[0-9]{20}$'),
    add column bank_correspondent_account text check (bank_correspondent_account ~ '^[0-9]{20}$'),
    add column signatory_post text check (char_length(signatory_post) between 1 and 255),
    add column signatory_name text check (char_length(signatory_name) between 1 and 255),
    add constraint counterparty_bank check (
        (bank_name is null) = (bank_bik is null) and (bank_name is null) = (bank_account is null)
        and (bank_correspondent_account is null or bank_name is not null));

-- A frozen month prints the same papers for ever, so it keeps what they say of the parties.
alter table month_object drop constraint month_object_kind_check;
alter table month_object add constraint month_object_kind_check check (kind in ('person', 'contract', 'pad', 'creative',
    'media', 'line_item', 'cid', 'commission', 'actual_start', 'act_date', 'details'));

-- Most cards that the creative's format shows, noted when the version is made: a format may be removed later. Null =
-- made before this was noted.
alter table creative_version add column cards smallint check (cards between 0 and 16);

-- Invoices for top-ups. What they say is kept as it was said; payments name them by their number.
create table top_up_invoice (
    id bigint generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9.-]{1,64}$'),
    advertiser_id int not null references advertiser,
    contract_id int not null references contract,
    seller_counterparty_id int not null references counterparty,
    year int not null,
    number int not null check (number > 0),
    -- `<prefix>-<year>/<number>`
    serial text not null check (char_length(serial) between 1 and 64),
    invoiced_on date not null,
    pay_by date check (pay_by >= invoiced_on),
    net_kopecks bigint not null check (net_kopecks > 0),
    vat_rate text not null check (vat_rate in ('without_vat', '0', '5', '7', '10', '20', '22')),
    vat_kopecks bigint not null check (vat_kopecks >= 0),
    -- Parties with their details and the contract, as they were.
    parties jsonb not null,
    actor text not null,
    recorded_at timestamptz not null,
    unique (seller_counterparty_id, year, number)
);
create index top_up_invoice_advertiser on top_up_invoice (advertiser_id, id);
create trigger top_up_invoice_stays before update or delete on top_up_invoice
    for each row execute function refuse_change();
select nimb_tenant_table('top_up_invoice', 'nimb_sees(advertiser_id)');

-- Letters that read like digits count as digits now; numbers without a folded form are folded when they are compared.
update contract set serial_folded = null where serial_folded is not null;

-- The retailer's answers to what operators' documents leave open, by operator and name of the switch.
create table operator_switch (
    format text not null check (format ~ '^[a-z0-9-]{1,32}$'),
    name text not null check (name ~ '^[a-z0-9_]{1,64}$'),
    value text not null check (char_length(value) between 1 and 255),
    actor text not null,
    recorded_at timestamptz not null,
    primary key (format, name)
);
select nimb_tenant_table('operator_switch', 'nimb_is_retailer()');

-- An advertiser reads the acts of his own contracts, and what became of the levy on them; an agent's reports are between
-- the agent and the retailer.
select nimb_tenant_table(t, $$nimb_is_retailer()
    or exists (select 1 from contract c where c.id = contract_id and c.kind <> 'mediation')$$, 'nimb_is_retailer()')
    from unnest(array['month_act', 'act_levy']) t;
