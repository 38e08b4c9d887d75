-- Counterparties, contracts, campaigns and line items as the management API keeps them.

-- Every row that the API changes carries a revision: an update names the one it read.
alter table counterparty add column revision bigint not null default 1;
alter table contract add column revision bigint not null default 1;

-- Contracts are the same document when their serials differ in case, punctuation or look-alike letters only; the
-- folding is the operator target's (`ORD.Serial`), kept beside the serial so that it can be searched.
alter table contract add column serial_folded text;
create index contract_serial_folded on contract (contractor_counterparty_id, serial_folded);

alter table advertiser
    -- Over all line items of the advertiser: [{"count":3,"per":"hour|day|session|lifetime"}]
    add column caps jsonb not null default '[]',
    add column caps_revision bigint not null default 1;

alter table campaign
    add column revision bigint not null default 1,
    add column created_at timestamptz not null default now(),
    -- Paused before it was active: an approved campaign that is held does not begin by itself.
    add column held boolean not null default false,
    -- Categories (ids) of the products it promoted when it was approved; null = never approved through the API, not
    -- restricted. Products of other categories need moderation again.
    add column approved_categories int[];
create index campaign_advertiser on campaign (advertiser_id, id);
create index campaign_contract on campaign (contract_id);

alter table campaign_version
    -- Groups of variants as written; `listed_skus` holds their SKUs too.
    add column listed_groups text[] not null default '{}',
    -- SKUs as written; null = `listed_skus` is what was written.
    add column named_skus text[];

alter table line_item
    add column revision bigint not null default 1,
    add column created_at timestamptz not null default now(),
    -- Impressions that a guaranteed line item promises over its flight.
    add column goal_impressions bigint check (goal_impressions > 0),
    add column archived boolean not null default false,
    -- Only products of brands granted to the advertiser, whatever `promoted` would mean else.
    add column granted_only boolean not null default false,
    -- What is archived does not serve: serving looks at `paused` alone.
    add check (paused or not archived);
create index line_item_campaign on line_item (campaign_id, id);

-- On whose behalf it was done: an advertiser is told of the retailer's people as "retailer" only. Null: by the seed.
alter table campaign_transition
    add column side text check (side in ('advertiser', 'retailer', 'system'));

-- Whatever an advertiser's session asks for, it cannot approve itself, jump over moderation or choose a tier that the
-- retailer sells. The API refuses this with words; here it cannot happen.
create function nimb_is_advertiser_session() returns boolean language sql stable as $$
    select nimb_scope() = 'advertisers'
$$;

create function guard_campaign_state() returns trigger language plpgsql as $$
begin
    if not nimb_is_advertiser_session() then return new; end if;
    if tg_op = 'INSERT' then
        if new.state <> 'draft' or new.approved_categories is not null then
            raise exception 'a new campaign is a draft' using errcode = 'insufficient_privilege';
        end if;
        return new;
    end if;
    if new.state is distinct from old.state and (old.state, new.state) not in (
        ('draft', 'moderation'), ('rejected', 'moderation'), ('approved', 'moderation'), ('active', 'moderation'),
        ('paused', 'moderation'), ('moderation', 'draft'), ('rejected', 'draft'), ('approved', 'draft'),
        ('active', 'paused'), ('paused', 'active'), ('active', 'finished'), ('paused', 'finished'),
        ('draft', 'archived'), ('rejected', 'archived'), ('finished', 'archived'))
    then
        raise exception 'an advertiser cannot move a campaign from % to %', old.state, new.state
            using errcode = 'insufficient_privilege';
    end if;
    if new.approved_categories is distinct from old.approved_categories
        or new.advertiser_id <> old.advertiser_id
    then
        raise exception 'an advertiser cannot change what was approved' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
create trigger campaign_state_guard before insert or update on campaign
    for each row execute function guard_campaign_state();

create function guard_line_item_tier() returns trigger language plpgsql as $$
begin
    if nimb_is_advertiser_session()
        and (case when tg_op = 'INSERT' then new.tier <> 'auction' or not new.granted_only
            else new.tier <> old.tier or new.granted_only <> old.granted_only end)
    then
        raise exception 'an advertiser cannot choose a tier' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
create trigger line_item_tier_guard before insert or update on line_item
    for each row execute function guard_line_item_tier();
