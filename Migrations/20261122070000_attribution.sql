-- attribution reports
select 1;
