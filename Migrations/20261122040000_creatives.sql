-- creatives and moderation
select 1;
