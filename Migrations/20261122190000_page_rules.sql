-- What may stand together on one page.

-- Rivals of the brand that a page is about: in a placement, or on the pages of a brand's products.
alter table placement add column competitor_block text not null default 'none'
    check (competitor_block in ('none', 'category', 'all'));
alter table brand add column competitor_block text not null default 'none'
    check (competitor_block in ('none', 'category', 'all'));

-- The line items of the campaign are shown together on a page or not at all.
alter table campaign add column companions boolean not null default false;

-- What was delivered of a goal is asked for every few seconds.
create index performance_day_line on performance_day (line_item_id);
