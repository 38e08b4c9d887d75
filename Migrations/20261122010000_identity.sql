-- Users, sessions, invitations, keys, audit, outgoing mail.
--
-- Secrets are stored as hashes only: passwords as scrypt with its parameters, tokens and keys as SHA-256 of 32 random
-- bytes. Nothing here is a reason to see more than the tenant: rows of people are visible to whoever sees one of
-- their advertisers.

-- A user belongs either to the retailer or to advertisers, never to both: an invitation cannot turn one into the other.
create table app_user (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9._-]{1,64}$'),
    email text not null unique check (char_length(email) between 3 and 254 and email = lower(email)),
    name text not null check (char_length(name) between 1 and 120),
    language text not null default 'ru' check (language in ('ru', 'en')),
    side text not null check (side in ('retailer', 'advertiser')),
    -- "scrypt$log2 N$r$p$salt$key"; null until the user has chosen one.
    password_hash text check (char_length(password_hash) between 1 and 512),
    disabled boolean not null default false,
    created_at timestamptz not null,
    revision bigint not null default 1,
    unique (id, side)
);

create table membership (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9._-]{1,64}$'),
    user_id int not null,
    side text not null,
    advertiser_id int references advertiser,
    role text not null,
    created_at timestamptz not null,
    revision bigint not null default 1,
    foreign key (user_id, side) references app_user (id, side),
    check (case side
        when 'retailer' then advertiser_id is null and role in ('admin', 'adops', 'finance', 'analyst')
        else advertiser_id is not null and role in ('advertiser_manager', 'advertiser_analyst') end)
);
-- Several roles with the retailer, one with an advertiser.
create unique index membership_retailer on membership (user_id, role) where advertiser_id is null;
create unique index membership_advertiser on membership (user_id, advertiser_id) where advertiser_id is not null;
create index membership_of_advertiser on membership (advertiser_id);

create table user_session (
    id bigint generated always as identity primary key,
    user_id int not null references app_user,
    token_hash bytea not null unique check (octet_length(token_hash) = 32),
    network text not null,
    created_at timestamptz not null,
    -- Moved on at most once a minute.
    seen_at timestamptz not null,
    expires_at timestamptz not null,
    -- The one advertiser of its user that the session is limited to.
    advertiser_id int references advertiser,
    ended_at timestamptz
);
create index user_session_user on user_session (user_id, created_at);
create index user_session_created on user_session (created_at);

-- Wrong guesses per account (by hash, so that unknown addresses leave no trace) and per network.
create table login_guess (
    key bytea primary key check (octet_length(key) = 32),
    failures int not null check (failures >= 0),
    last_at timestamptz not null,
    not_before timestamptz not null
);
create index login_guess_last on login_guess (last_at);

create table invitation (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9._-]{1,64}$'),
    email text not null check (char_length(email) between 3 and 254 and email = lower(email)),
    language text not null check (language in ('ru', 'en')),
    advertiser_id int references advertiser,
    role text not null,
    token_hash bytea not null unique check (octet_length(token_hash) = 32),
    invited_by text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    revoked_at timestamptz,
    check (case when advertiser_id is null then role in ('admin', 'adops', 'finance', 'analyst')
        else role in ('advertiser_manager', 'advertiser_analyst') end)
);
create index invitation_advertiser on invitation (advertiser_id);

create table password_reset (
    id int generated always as identity primary key,
    user_id int not null references app_user,
    token_hash bytea not null unique check (octet_length(token_hash) = 32),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index password_reset_user on password_reset (user_id);

-- What a key may do. Null scopes and role: everything that its kind may (keys made before scopes existed).
alter table api_key add column name text not null default '' check (char_length(name) <= 120);
alter table api_key add column role text check (case kind
    when 'retailer' then role in ('admin', 'adops', 'finance', 'analyst')
    when 'advertiser' then role in ('advertiser_manager', 'advertiser_analyst')
    else role is null end);
alter table api_key add column scopes text[] check (cardinality(scopes) between 1 and 32);
alter table api_key add column created_by text;
alter table api_key add column last_used_at timestamptz;
alter table api_key add column revoked_at timestamptz;
alter table api_key add column revision bigint not null default 1;
alter table api_key alter column code
    set default 'key-' || left(replace(gen_random_uuid()::text, '-', ''), 13);
update api_key set code = default where code is null;
alter table api_key alter column code set not null;

create table audit_entry (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    -- "user:usr-…", "key:key-…" or "system:…".
    actor text not null check (char_length(actor) between 1 and 128),
    -- On whose behalf the actor acts: an advertiser is told of the retailer's people as "retailer" only.
    side text not null check (side in ('retailer', 'advertiser', 'system')),
    action text not null check (char_length(action) between 1 and 64),
    object text not null check (char_length(object) between 1 and 64),
    object_id text not null check (char_length(object_id) between 1 and 256),
    advertiser_id int references advertiser,
    before jsonb,
    after jsonb,
    request_id text not null check (char_length(request_id) between 1 and 64)
);
create index audit_entry_advertiser on audit_entry (advertiser_id, id);
create index audit_entry_object on audit_entry (object, object_id, id);

-- Append-only for everybody, the owner included.
create function refuse_audit_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_entry_append_only before update or delete or truncate on audit_entry
    for each statement execute function refuse_audit_change();

create table mail_outbox (
    id bigint generated always as identity primary key,
    kind text not null check (kind ~ '^[a-z][a-z_.]{0,63}$'),
    to_address text not null check (char_length(to_address) between 3 and 254),
    subject text not null check (char_length(subject) between 1 and 255),
    -- Wiped once sent or given up: it may hold a link that lets its reader in.
    body text check (octet_length(body) <= 65536),
    state text not null default 'waiting' check (state in ('waiting', 'sent', 'dead')),
    attempts int not null default 0,
    next_at timestamptz not null,
    created_at timestamptz not null,
    finished_at timestamptz,
    last_error text check (char_length(last_error) <= 255),
    check ((state = 'waiting') = (body is not null))
);
create index mail_outbox_waiting on mail_outbox (next_at) where state = 'waiting';

-- People of an advertiser are seen by whoever sees the advertiser, and only that membership of theirs.
select nimb_tenant_table('membership', 'nimb_sees(advertiser_id)');
select nimb_tenant_table('app_user', 'nimb_is_retailer() or exists (select 1 from membership m where m.user_id = app_user.id)',
    'nimb_is_retailer()');
select nimb_tenant_table('invitation', 'nimb_sees(advertiser_id)');
select nimb_tenant_table('user_session', 'nimb_is_retailer()');
select nimb_tenant_table('password_reset', 'nimb_is_retailer()');
select nimb_tenant_table('login_guess', 'nimb_is_system()');
select nimb_tenant_table('audit_entry', 'nimb_sees(advertiser_id)', 'nimb_scope() <> ''''');
revoke update, delete on audit_entry from nimb_app;
-- Whoever is somebody may queue a message; nobody but the mail job reads one.
select nimb_tenant_table('mail_outbox', 'nimb_is_system()', 'nimb_scope() <> ''''');
