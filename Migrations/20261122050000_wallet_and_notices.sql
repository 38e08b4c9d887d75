-- wallet and notices
select 1;
