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

-- Both sides of a campaign's running experiment, summed over shoppers; an advertiser gets these sums and never the
-- orders behind them. A shopper is the customer of his latest link, else the visitor; whoever has visitors on both
-- sides is on neither (mixed). Counted are lines of products that the campaign promotes, of their variants, and, where
-- the advertiser owns the brand on the order's date, of the campaign's brands; from the first win until `span` later,
-- both included, and only for shoppers whose window is over at `through` (the others are maturing).
create function holdout_moments(wanted int, span interval, through timestamptz)
returns table (is_ghost boolean, shoppers bigint, buyers bigint, orders bigint, units bigint, sales_micros numeric,
    squared_roubles float8, maturing bigint, mixed bigint)
language plpgsql security definer set search_path from current as $$
declare
    before text := current_setting('nimb.scope', true);
    started timestamptz;
    owner int;
begin
    select c.holdout_since, c.advertiser_id into started, owner from campaign c where c.id = wanted;
    if started is null or not nimb_sees(owner) then return; end if;
    perform set_config('nimb.scope', 'system', true);
    return query
    with member as (
        select h.visitor_id, h.is_ghost as ghost, h.first_at, coalesce((
            select k.customer_id from identity_link k where k.visitor_id = h.visitor_id
            order by k.linked_at desc, k.customer_id collate "C" desc limit 1), h.visitor_id) as person
        from holdout_shopper h where h.campaign_id = wanted and h.since = started
    ), everybody as (
        select m.person, bool_or(m.ghost) as ghost, bool_and(m.ghost) <> bool_or(m.ghost) as both_sides,
            min(m.first_at) as first_at
        from member m group by m.person
    ), ripe as (
        select e.person, e.ghost, e.first_at from everybody e where not e.both_sides and e.first_at + span <= through
    ), alias_of as (
        select r.person, r.person as id from ripe r
        union select r.person, m.visitor_id from ripe r join member m on m.person = r.person
        union select r.person, k.visitor_id from ripe r join identity_link k on k.customer_id = r.person
            and not exists (
                select 1 from identity_link later where later.visitor_id = k.visitor_id
                    and (later.linked_at, later.customer_id collate "C") > (k.linked_at, k.customer_id collate "C"))
    ), bought as (
        -- An order with a customer is his, whatever visitor it came from.
        select r.person, o.storefront_id, o.order_id, o.ordered_at from ripe r
        join customer_order o on o.customer_id = r.person and o.ordered_at between r.first_at and r.first_at + span
        union
        select r.person, o.storefront_id, o.order_id, o.ordered_at from ripe r
        join alias_of a on a.person = r.person
        join customer_order o on o.visitor_id = a.id and o.customer_id is null
            and o.ordered_at between r.first_at and r.first_at + span
    ), promoted as (
        select distinct s.sku from line_item l join line_item_version v on v.line_item_id = l.id
        cross join lateral unnest(v.promoted_skus) as s (sku) where l.campaign_id = wanted
        union select s.sku from campaign_version v cross join lateral unnest(v.listed_skus) as s (sku)
        where v.campaign_id = wanted
    ), own_brand as (
        select distinct b.code from campaign_version v cross join lateral unnest(v.brand_codes) as b (code)
        where v.campaign_id = wanted
    ), counted as (
        select b.person, b.storefront_id, b.order_id, l.units as line_units, l.net_micros
        from bought b
        join order_line l on l.storefront_id = b.storefront_id and l.order_id = b.order_id
        left join product p on p.sku = l.sku
        where l.units >= 1 and l.net_micros >= 0 and (
            l.sku in (select sku from promoted)
            or p.group_id <> '' and exists (
                select 1 from product q where q.group_id = p.group_id and q.sku in (select sku from promoted))
            or exists (
                select 1 from own_brand w join brand r on r.code = w.code
                join brand_grant g on g.brand_id = r.id and g.advertiser_id = owner
                    and g.valid_from <= b.ordered_at and b.ordered_at < g.valid_to
                where r.code = coalesce((
                    select rb.code from brand_alias a join brand rb on rb.id = a.brand_id
                    where a.alias = p.brand and a.valid_from <= b.ordered_at and b.ordered_at < a.valid_to limit 1),
                    p.brand)))
    ), outcome as (
        select c.person, count(distinct (c.storefront_id, c.order_id)) as person_orders,
            sum(c.line_units) as person_units, sum(c.net_micros) as person_micros
        from counted c group by c.person
    )
    select side.ghost, count(r.person), count(o.person), coalesce(sum(o.person_orders), 0)::bigint,
        coalesce(sum(o.person_units), 0)::bigint, coalesce(sum(o.person_micros), 0),
        (coalesce(sum(o.person_micros * o.person_micros), 0) / 1e12)::float8,
        (select count(*) from everybody e where e.ghost = side.ghost and not e.both_sides and e.first_at + span > through),
        (select count(*) from everybody e where e.both_sides)
    from (values (false), (true)) as side (ghost)
    left join ripe r on r.ghost = side.ghost
    left join outcome o on o.person = r.person
    group by side.ghost order by side.ghost;
    perform set_config('nimb.scope', coalesce(before, ''), true);
end $$;

-- Everything that active nodes acknowledged before this instant is in the tables; null before anything was shipped. A
-- report for an advertiser says so without a look at the nodes.
create function shipped_through() returns timestamptz language plpgsql security definer stable
set search_path from current as $$
declare before text := current_setting('nimb.scope', true); found timestamptz;
begin
    perform set_config('nimb.scope', 'system', true);
    select min(node.through) into found from (
        select max(k.shipped_through) as through from log_checkpoint k join node n on n.id = k.node_id
        where n.retired_at is null group by k.node_id) node;
    perform set_config('nimb.scope', coalesce(before, ''), true);
    return nullif(found, '-infinity');
end $$;
