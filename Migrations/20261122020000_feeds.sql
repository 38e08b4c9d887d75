-- scheduled feeds
select 1;
