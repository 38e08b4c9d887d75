-- The rules of attribution once more, as a query over many worlds at once. Ids are text in the "C" collation, so that
-- they compare by bytes; an absent id is null; an open end is null; instants are microseconds.
create temp table policy (world int, name text collate "C", click_window int8, view_window int8, levels text[],
    precedence text[], scope text, apart boolean, gross boolean);
create temp table touch (world int, touch_id text collate "C", shopper_id text collate "C", occurred_at int8, kind text,
    advertiser_id text collate "C", campaign_id text collate "C", line_item_id text collate "C", promoted text[]);
create temp table line (world int, order_id text collate "C", line_no int8, shopper_id text collate "C",
    ordered_at int8, sku text collate "C", units int8, amount int8);
create temp table product (world int, sku text collate "C", group_id text collate "C", brand_id text collate "C",
    categories text[]);
create temp table campaign (world int, campaign_id text collate "C", brands text[], skus text[], categories text[],
    valid_from int8, valid_to int8);
create temp table brand (world int, alias text collate "C", brand_id text collate "C", valid_from int8, valid_to int8);
create temp table brand_grant (world int, advertiser_id text collate "C", brand_id text collate "C", valid_from int8,
    valid_to int8);
create temp table link (world int, visitor_id text collate "C", customer_id text collate "C", linked_at int8);
create temp table adjustment (world int, adjustment_id text collate "C", order_id text collate "C", line_no int8,
    occurred_at int8, kind text, units int8, amount int8);

-- Rule 7.
create function pg_temp.person(w int, id text, t int8) returns text stable language sql as $$
    select coalesce(
        (select customer_id from link where world = w and visitor_id = id and linked_at <= t
         order by linked_at desc, customer_id desc limit 1),
        (select customer_id from link where world = w and visitor_id = id
         order by linked_at, customer_id desc limit 1),
        id)
$$;

-- Rule 11.
create function pg_temp.holds(valid_from int8, valid_to int8, t int8) returns boolean immutable language sql as $$
    select (valid_from is null or valid_from <= t) and (valid_to is null or t < valid_to)
$$;

-- Rule 10.
create function pg_temp.canon(w int, b text, t int8) returns text stable language sql as $$
    select coalesce(
        (select brand_id from brand where world = w and alias = b and pg_temp.holds(valid_from, valid_to, t) limit 1),
        b)
$$;

-- Rules 12 and 13: whether one level holds between one touch and one line.
create function pg_temp.matches(level text, w int, t touch, l line) returns boolean stable language sql as $$
    select case level
        when 'order' then true
        when 'sku' then l.sku = any (t.promoted)
        when 'variant' then exists (
            select 1 from product bought join product promoted using (world, group_id)
            where world = w and bought.sku = l.sku and promoted.sku = any (t.promoted))
        else exists (
            select 1 from product bought join campaign c using (world)
            where world = w and bought.sku = l.sku and c.campaign_id = t.campaign_id
                and pg_temp.holds(c.valid_from, c.valid_to, t.occurred_at)
                and exists (
                    select 1 from brand_grant g
                    where g.world = w and g.advertiser_id = t.advertiser_id
                        and pg_temp.holds(g.valid_from, g.valid_to, l.ordered_at)
                        and pg_temp.canon(w, g.brand_id, l.ordered_at) = pg_temp.canon(w, bought.brand_id, l.ordered_at))
                and case level
                    when 'listed' then bought.sku = any (c.skus) or bought.categories && c.categories
                    when 'brand' then exists (
                        select 1 from unnest(c.brands) b
                        where pg_temp.canon(w, b, l.ordered_at) = pg_temp.canon(w, bought.brand_id, l.ordered_at))
                    end)
        end
$$;

create function pg_temp.rank(comparator text, level text, kind text, at int8) returns int8 immutable language sql as $$
    select case comparator
        when 'match' then 5 - array_position(array['sku', 'variant', 'listed', 'brand', 'order'], level)
        when 'interaction' then (kind = 'click')::int
        when 'recency' then at
        else 0 end
$$;

create function pg_temp.credits() returns table (world int, policy text, cells text) stable language sql as $$
with recursive
    touches as (select distinct t, pg_temp.person(t.world, t.shopper_id, t.occurred_at) as person from touch t),
    lines as (
        select distinct l, pg_temp.person(l.world, l.shopper_id, l.ordered_at) as person
        from line l where l.units >= 1 and l.amount >= 0),
    candidates as (
        select p, (t.t).*, (l.l).order_id, (l.l).line_no, (l.l).units, (l.l).amount, level.name as level
        from lines l
        join touches t on (t.t).world = (l.l).world and t.person = l.person
            and (t.t).occurred_at <= (l.l).ordered_at
        join policy p on p.world = (l.l).world
            and (l.l).ordered_at - (t.t).occurred_at
                <= case (t.t).kind when 'click' then p.click_window else p.view_window end
        cross join lateral (
            select name from unnest(p.levels) with ordinality as level (name, n)
            where pg_temp.matches(name, (l.l).world, t.t, l.l) order by n limit 1) level),
    ranked as (
        select *, row_number() over (
            partition by world, (p).name, order_id, line_no,
                case (p).scope when 'advertiser' then advertiser_id when 'campaign' then campaign_id end,
                case when (p).apart then kind end
            order by pg_temp.rank((p).precedence[1], level, kind, occurred_at) desc,
                pg_temp.rank((p).precedence[2], level, kind, occurred_at) desc,
                pg_temp.rank((p).precedence[3], level, kind, occurred_at) desc,
                occurred_at desc, touch_id desc) as place
        from candidates),
    -- Rule 17: the adjustments of a line one after another.
    numbered as (
        select a.*, (l.l).line_no as of_line, row_number() over (
            partition by a.world, a.order_id, (l.l).line_no order by a.occurred_at, a.adjustment_id) as n
        from (select distinct * from adjustment) a
        join lines l on (l.l).world = a.world and (l.l).order_id = a.order_id
            and (a.line_no is null or a.line_no = (l.l).line_no)),
    walk as (
        select (l.l).world, (l.l).order_id, (l.l).line_no, 0::int8 as n, (l.l).units as units_left,
            (l.l).amount::numeric as amount_left, 0::int8 as units, 0::numeric as amount
        from lines l
        union all
        select w.world, w.order_id, w.line_no, a.n, w.units_left + m.units, w.amount_left + m.amount, m.units, m.amount
        from walk w
        join numbered a on a.world = w.world and a.order_id = w.order_id and a.of_line = w.line_no and a.n = w.n + 1
        cross join lateral (
            select least(coalesce(a.units, w.units_left), w.units_left) as taken) k
        cross join lateral (
            select case when a.kind = 'price' then 0 else -k.taken end as units,
                case when w.units_left = 0 then 0
                    when a.kind = 'price' then greatest(-w.amount_left, a.amount)
                    when k.taken = w.units_left then -w.amount_left
                    else -least(coalesce(a.amount, div(w.amount_left * k.taken, w.units_left)), w.amount_left)
                end as amount) m),
    rows as (
        select r.*, 'credit' as row_kind, r.units as row_units, r.amount::numeric as row_amount
        from ranked r where place = 1
        union all
        select r.*, case when w.units < 0 or w.amount < 0 then 'reversal' else 'credit' end, w.units, w.amount
        from ranked r join walk w using (world, order_id, line_no)
        where place = 1 and not (r.p).gross and (w.units <> 0 or w.amount <> 0))
select world, (p).name, concat_ws(',', order_id, line_no, (p).name, coalesce(advertiser_id, ''),
    coalesce(campaign_id, ''), coalesce(line_item_id, ''), touch_id, kind, level, row_kind, row_units, row_amount)
from rows
order by world, (p).name collate "C", order_id collate "C", line_no, advertiser_id collate "C" nulls first,
    campaign_id collate "C" nulls first, line_item_id collate "C" nulls first, touch_id collate "C",
    kind collate "C", level collate "C", row_kind collate "C", row_units, row_amount
$$;
