-- Versions of the click model: what was learnt, from which days, and how well it predicted before it knew.
create table click_model (
    version int generated always as identity primary key,
    trained_at timestamptz not null,
    trained_by text not null,
    -- Decisions made from ... until (exclusive) were learnt from, in order of their ids.
    data_from timestamptz not null,
    data_until timestamptz not null,
    examples bigint not null check (examples >= 0),   -- impressions
    clicks bigint not null check (clicks between 0 and examples),
    log_loss double precision not null,               -- each prediction made before its outcome was learnt from
    plain_log_loss double precision not null,         -- of the rate of (slot, creative) on the same impressions
    calibration double precision not null,            -- predicted clicks / clicks
    calibration_deciles double precision[] not null,
    -- The model that served then, on the impressions that neither had learnt from; null without one.
    rival_version int,
    rival_log_loss double precision,
    own_log_loss double precision,
    weights bytea not null,
    digest bytea not null check (octet_length(digest) = 32), -- SHA-256 of `weights`
    check (data_from < data_until)
);
select nimb_tenant_table('click_model', 'nimb_is_retailer()');

-- What serves since when; the last row counts. Null = no model: clicks are expected by the formats' priors.
create table click_model_activation (
    id bigint generated always as identity primary key,
    version int references click_model,
    activated_at timestamptz not null,
    activated_by text not null,
    reason text not null check (char_length(reason) between 1 and 500)
);
select nimb_tenant_table('click_model_activation', 'nimb_is_retailer()');
create trigger note_setting_insert after insert on click_model_activation referencing new table as new_rows
    for each statement execute function note_control_change('setting', 'version', '');

-- How much the shop's own margin counts in a slot, per cent: a score is multiplied by 1 + weight x margin.
alter table placement add column margin_weight_percent int not null default 0
    check (margin_weight_percent between 0 and 100);
-- What the shop paid for the product, without regard to the place; null = unknown, then its margin counts as 0.
alter table product add column purchase_price_micros bigint check (purchase_price_micros >= 0);

-- Noted as before, and now also when the purchase price changes.
drop trigger note_product_update on product;
create trigger note_product_update after update on product referencing old table as old_rows new table as new_rows
    for each statement execute function note_control_change('product', 'id',
        'id,sku,name,brand,url,picture_url,category_ids,purchase_price_micros');
