-- campaigns, contracts
select 1;
