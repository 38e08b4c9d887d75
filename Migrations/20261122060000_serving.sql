-- what serving reads beside
select 1;
