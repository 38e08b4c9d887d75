-- Attribution policies as data, and campaigns that some shoppers do not see so that their effect can be measured.

-- A policy never changes once it is here: the ledger names it by its code. A preset (null definition) is part of the
-- program; its row says only what the retailer does with it.
create table attribution_policy (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[a-z0-9-]{1,64}@[1-9][0-9]{0,8}$'),
    definition jsonb,                    -- the document as checked; null for a preset
    allowed boolean not null default true, -- advertisers may choose it for a campaign
    created_by text not null default 'system',
    created_at timestamptz not null default now(),
    revision bigint not null default 1
);
insert into attribution_policy (code)
    values ('default@1'), ('item-24h@1'), ('order-24h@1'), ('smart-placement@1'), ('sku-strict@1');

create function refuse_policy_change() returns trigger language plpgsql as $$
begin
    if new.code is distinct from old.code or new.definition is distinct from old.definition then
        raise exception 'the policy % cannot change', old.code
            using errcode = 'restrict_violation', hint = 'add its next version';
    end if;
    return new;
end $$;
create trigger attribution_policy_immutable before update on attribution_policy
    for each row execute function refuse_policy_change();

alter table campaign_version add constraint campaign_version_policy foreign key (policy)
    references attribution_policy (code);

-- Policies under which the touches of every campaign compete, beside the campaign's own policy, so that reports can
-- set two of them side by side. By the time of the touch, half-open.
create table policy_for_all (
    policy text not null references attribution_policy (code),
    valid_from timestamptz not null,
    valid_to timestamptz not null default 'infinity',
    primary key (policy, valid_from),
    check (valid_from <= valid_to)
);

-- The share of shoppers, in parts of 10,000, that must not see the campaign; who it is follows from a hash of the
-- shopper with the campaign's salt.
alter table campaign
    add column holdout_share int not null default 0 check (holdout_share between 0 and 5000),
    add column holdout_salt bigint not null default (('x' || substr(md5(gen_random_uuid()::text), 1, 16))::bit(64)::bigint),
    add column holdout_since timestamptz;

-- Another share is another experiment: shoppers of the two are never counted together.
create function begin_holdout() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.holdout_share > 0 then new.holdout_since := coalesce(new.holdout_since, now()); end if;
    elsif new.holdout_share is distinct from old.holdout_share or new.holdout_salt is distinct from old.holdout_salt then
        new.holdout_since := case when new.holdout_share > 0 then now() end;
    end if;
    return new;
end $$;
create trigger campaign_holdout before insert or update on campaign
    for each row execute function begin_holdout();

-- What a held-out shopper would have been shown: an ad that won its slot and stepped aside. It costs nothing.
create table ghost_ad (
    decision_day date not null,          -- UTC day of the decision
    decision_id uuid not null,
    placement_id int not null,
    line_item_id int not null,
    campaign_id int not null,
    advertiser_id int not null,
    storefront_id int not null,
    visitor_id text not null,
    decided_at timestamptz not null,
    score real not null,
    primary key (decision_day, decision_id, placement_id, line_item_id)
) partition by range (decision_day);
create index ghost_ad_campaign on ghost_ad (campaign_id, decided_at);

-- Every shopper of a campaign with a holdout, from the first auction that the campaign won for him, served or not:
-- both sides are counted from the same moment.
create table holdout_shopper (
    campaign_id int not null references campaign,
    since timestamptz not null,          -- campaign.holdout_since: which experiment
    visitor_id text not null,
    is_ghost boolean not null,
    first_at timestamptz not null,
    wins bigint not null,                -- auctions won, served or not
    primary key (campaign_id, since, visitor_id, is_ghost)
);

-- Reports by the date of the touch.
create index credit_touched on credit (advertiser_id, touched_at);

-- Where the order was made, so that an advertiser's report needs no look at orders.
alter table credit add column channel text not null default 'online' check (channel in ('online', 'offline'));

select nimb_tenant_table(t, 'nimb_scope() <> ''''', 'nimb_is_retailer()')
    from unnest(array['attribution_policy', 'policy_for_all']) t;
select nimb_tenant_table('ghost_ad', 'nimb_sees(advertiser_id)', 'nimb_is_retailer()');
select nimb_tenant_table('holdout_shopper', 'nimb_is_retailer()');
