-- Exports and operators.

-- Rows of statistics are known by creative, pad and month together, longer than any other id.
alter table ord_object drop constraint ord_object_external_id_check;
alter table ord_object add constraint ord_object_external_id_check check (char_length(external_id) between 1 and 300);

-- A month as it left the house, or was made ready to: one file. Nothing in it changes afterwards.
create table ord_export (
    id bigint generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9.-]{1,64}$'),
    month date not null check (extract(day from month) = 1),
    -- 0 = the first one, n = the n-th correction of the month.
    correction int not null check (correction between 0 and 1000),
    profile text not null check (profile ~ '^[a-z0-9-]{1,32}$'),
    file_name text not null check (char_length(file_name) between 1 and 128),
    file_sha256 bytea not null check (octet_length(file_sha256) = 32),
    manifest_sha256 bytea check (octet_length(manifest_sha256) = 32),
    -- Made of a month that is not frozen yet: never sent.
    rehearsal boolean not null,
    made_at timestamptz not null,
    actor text not null
);
create index ord_export_month on ord_export (month, id);

-- The lines of a bundle, each one call to the operator, byte for byte.
create table ord_export_line (
    export_id bigint not null references ord_export,
    place int not null,
    stage smallint not null,        -- order of sending, `BundleLine.Stage`
    external_id text not null check (char_length(external_id) between 1 and 300),
    method text not null check (method in ('PUT', 'POST', 'DELETE')),
    path text not null check (char_length(path) between 1 and 300),
    body text not null,
    body_sha256 bytea not null check (octet_length(body_sha256) = 32),
    primary key (export_id, place)
);

-- Sending an export to the operator: where it stands.
create table ord_push (
    id bigint generated always as identity primary key,
    code text not null unique check (code ~ '^[A-Za-z0-9.-]{1,64}$'),
    export_id bigint not null references ord_export,
    month date not null,
    -- sending: calls are to be made; refused: the operator wants corrections; sent: he has everything, the register's
    -- word is awaited; verified: the register has taken everything; rejected: the register found fault; cancelled:
    -- given up, or a newer sending of the month took its place.
    state text not null check (state in ('sending', 'refused', 'sent', 'verified', 'rejected', 'cancelled')),
    -- The operator has asked for a pause until then.
    not_before timestamptz not null default '-infinity',
    -- Who sends at the moment, and until when he is believed to be alive.
    runner text,
    runner_until timestamptz,
    started_at timestamptz not null,
    changed_at timestamptz not null,
    actor text not null,
    revision bigint not null default 1
);
create index ord_push_month on ord_push (month, id);
-- One sending of a month at a time.
create unique index ord_push_open on ord_push (month) where state = 'sending';
create index ord_push_due on ord_push (id) where state in ('sending', 'sent');

create table ord_push_item (
    push_id bigint not null references ord_push,
    export_id bigint not null,
    place int not null,
    stage smallint not null,
    -- queued: to be sent; sending: a call is under way; unknown: nobody knows whether the last call was treated, so
    -- the operator is asked before anything is sent again; accepted: he has it; refused: he wants a correction.
    state text not null default 'queued' check (state in ('queued', 'sending', 'unknown', 'accepted', 'refused')),
    attempts int not null default 0,
    -- A row that is not joined with others again, because a joined call was refused.
    alone boolean not null default false,
    -- The operator had it in this very form, so no call was made.
        unchanged boolean not null default false,
    next_at timestamptz not null,
    status int,
    error_code text check (char_length(error_code) <= 128),
    error_field text check (char_length(error_field) <= 255),
    error_message text check (char_length(error_message) <= 1000),
    -- The second stage: what the register (ЕРИР) says. Null = not asked yet; media have no word of it.
    erir_status text check (erir_status in ('processing', 'verified', 'bad', 'none')),
    erir_messages text[] not null default '{}',
    erir_looks int not null default 0,
    erir_next_at timestamptz,
    changed_at timestamptz not null,
    primary key (push_id, place),
    foreign key (export_id, place) references ord_export_line
);
create index ord_push_item_due on ord_push_item (push_id, stage, next_at) where state <> 'accepted';
create index ord_push_item_look on ord_push_item (push_id, erir_next_at) where erir_next_at is not null;

-- The journal covers sending too.
alter table ord_call drop constraint ord_call_method_check;
alter table ord_call
    add constraint ord_call_method_check check (method in ('GET', 'PUT', 'POST', 'DELETE')),
    add column push_id bigint references ord_push,
    -- First object of the call, and how many it carries.
    add column external_id text check (char_length(external_id) <= 300),
    add column objects int not null default 1;
create index ord_call_push on ord_call (push_id, id) where push_id is not null;

-- When months are sent without anybody pressing the button: from this day of the month after it; null = never.
alter table retailer add column ord_push_day smallint check (ord_push_day between 4 and 28);

-- What a refresh from an operator's dictionary has changed in the classifier that ships with the program. Codes are
-- never deleted: those that vanished stay readable, with the day on which they were missed first.
create table kktu_code (
    code text primary key check (code ~ '^[1-9][0-9]{0,2}(\.[1-9][0-9]{0,2}){0,2}$'),
    name text not null check (char_length(name) between 1 and 1000),
    display_name text not null check (char_length(display_name) between 1 and 1000),
    added_on date not null,
    vanished_on date
);
alter table campaign drop constraint campaign_kktu_check;
alter table campaign add constraint campaign_kktu_check check (kktu ~ '^[1-9][0-9]{0,2}(\.[1-9][0-9]{0,2}){2}$');
alter table category_kktu drop constraint category_kktu_kktu_check;
alter table category_kktu add constraint category_kktu_kktu_check
    check (kktu ~ '^[1-9][0-9]{0,2}(\.[1-9][0-9]{0,2}){2}$');

select nimb_tenant_table(t, 'nimb_is_retailer()')
    from unnest(array['ord_export', 'ord_export_line', 'ord_push', 'ord_push_item']) t;
select nimb_tenant_table('kktu_code', 'nimb_scope() <> ''''', 'nimb_is_retailer()');
