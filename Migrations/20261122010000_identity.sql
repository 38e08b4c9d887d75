-- users, sessions, tokens, keys, audit
select 1;
