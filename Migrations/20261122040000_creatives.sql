-- Creatives and what happens to them before they serve: uploads, moderation, registration with the operator.

-- Whose upload a picture is. The same bytes may belong to several; a picture that only others have does not exist.
create table media_owner (
    id bigint generated always as identity primary key,
    advertiser_id int not null references advertiser,
    sha256 bytea not null references media,
    uploaded_at timestamptz not null,
    uploaded_by text not null,
    unique (advertiser_id, sha256)
);
create index media_owner_sha256 on media_owner (sha256);
-- Frames of an animation; 1 for a still picture.
alter table media add column frames int not null default 1 check (frames between 1 and 1000);

alter table creative
    add column name text not null default '' check (char_length(name) <= 255),
    add column paused boolean not null default false,
    add column revision bigint not null default 1;

alter table creative_version
    add column revision bigint not null default 1,
    add column created_at timestamptz not null default now(),
    add column created_by text not null default 'system',
    add column submitted_at timestamptz,
    add column submitted_by text,
    add column approved_by text,
    add column rejected_at timestamptz,
    add column rejected_by text,
    -- What the advertiser is told to change.
    add column feedback text check (char_length(feedback) between 1 and 2000),
    -- Taken out of service by the retailer after it had been approved.
    add column revoked_at timestamptz,
    add column erid_source text check (erid_source in ('operator', 'typed')),
    -- Derived, so that a state that contradicts its facts cannot be stored.
    add column state text not null generated always as (
        case when revoked_at is not null then 'revoked'
            when approved_at is not null then 'approved'
            when rejected_at is not null then 'rejected'
            when submitted_at is not null then 'moderation'
            else 'draft' end) stored,
    add constraint creative_version_feedback check ((rejected_at is null and revoked_at is null) = (feedback is null)),
    add constraint creative_version_revocation check (revoked_at is null or approved_at is not null);
update creative_version set erid_source = 'typed' where erid is not null;
create index creative_version_queue on creative_version (submitted_at, id) where state = 'moderation';

-- Immutable once approved: whoever wants other content makes another version. A token changes only after the
-- operator has called it bad.
-- Whatever an advertiser's session asks for, it cannot judge its own creative or give it a token.
create function keep_approved_creative() returns trigger language plpgsql as $$
begin
    if nimb_scope() = 'advertisers' and (tg_op = 'INSERT'
        and (new.approved_at is not null or new.rejected_at is not null or new.erid is not null)
        or tg_op = 'UPDATE' and (row(new.approved_at, new.approved_by, new.revoked_at, new.erid, new.erid_status)
            is distinct from row(old.approved_at, old.approved_by, old.revoked_at, old.erid, old.erid_status)
            or new.rejected_at is not null and new.rejected_at is distinct from old.rejected_at))
    then
        raise exception 'an advertiser cannot judge a creative' using errcode = 'insufficient_privilege';
    end if;
    if tg_op = 'INSERT' then return new; end if;
    if old.approved_at is not null then
        if row(new.creative_id, new.version, new.fields, new.landing_url, new.media_sha256, new.ord_form, new.approved_at)
            is distinct from
            row(old.creative_id, old.version, old.fields, old.landing_url, old.media_sha256, old.ord_form, old.approved_at)
        then
            raise exception 'version % of creative % is approved and cannot change', old.version, old.creative_id
                using errcode = 'restrict_violation', hint = 'make a new version';
        end if;
        if old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at then
            raise exception 'version % of creative % was revoked for good', old.version, old.creative_id
                using errcode = 'restrict_violation', hint = 'make a new version';
        end if;
    end if;
    if old.erid is not null and new.erid is distinct from old.erid and coalesce(old.erid_status, 'new') <> 'bad' then
        raise exception 'version % of creative % has its token already', old.version, old.creative_id
            using errcode = 'restrict_violation', hint = 'a token changes only after the operator has refused it';
    end if;
    return new;
end $$;
create trigger creative_version_keep before insert or update on creative_version
    for each row execute function keep_approved_creative();

-- What moderators decided, and which warnings they overrode by name with which reason.
create table moderation_decision (
    id bigint generated always as identity primary key,
    advertiser_id int not null references advertiser,
    campaign_id int not null references campaign,
    -- null = the decision was about the campaign itself.
    creative_version_id int references creative_version,
    decision text not null check (decision in ('approved', 'rejected', 'revoked')),
    decided_at timestamptz not null,
    actor text not null,
    feedback text,
    findings jsonb not null default '[]',   -- as they stood
    overrides jsonb not null default '[]'   -- [{"code":"...","reason":"..."}]
);
create index moderation_decision_campaign on moderation_decision (campaign_id, id);
create index moderation_decision_version on moderation_decision (creative_version_id, id);

-- What may not be advertised, what needs a warning, what words are refused: data, so that a lawyer's change is a row.
--
-- A rule applies when the KKTU code lies under one of `kktu`, or a category of a promoted product has one of
-- `category_words`, or the wording has one of `words`. It then finds fault, unless it has `required` texts of which
-- the wording has one. Words are compared without case, ё as е, word by word; a final * stands for any ending.
create table moderation_rule (
    id int generated always as identity primary key,
    code text not null unique check (code ~ '^[a-z0-9][a-z0-9_]{0,63}$'),
    title text not null check (char_length(title) between 1 and 120),
    -- 'block' prevents approval; 'warn' needs a named override with a reason.
    effect text not null check (effect in ('block', 'warn')),
    message text not null check (char_length(message) between 1 and 500),
    kktu text[] not null default '{}' check (cardinality(kktu) <= 100),
    category_words text[] not null default '{}' check (cardinality(category_words) <= 200),
    words text[] not null default '{}' check (cardinality(words) <= 500),
    required text[] not null default '{}' check (cardinality(required) <= 50),
    enabled boolean not null default true,
    revision bigint not null default 1,
    check (cardinality(kktu) + cardinality(category_words) + cardinality(words) > 0)
);
insert into moderation_rule (code, title, effect, message, kktu, category_words, words, required) values
    ('alcohol', 'Алкоголь', 'block',
        'Реклама алкогольной продукции в интернете запрещена (38-ФЗ, ст. 21): уберите её из кампании.',
        '{1.1,16}',
        '{алкогол*,вино,вина,водк*,коньяк*,виски,ликер*,шампанск*,пиво,сидр,бренди,джин,текил*,"игрист* вин*"}',
        '{водк*,виски,коньяк*,текил*,шампанск*,пиво,пивка,"крепк* пив*",настойк*,самогон*}', '{}'),
    ('tobacco', 'Табак и никотин', 'block',
        'Реклама табака, никотинсодержащей продукции и курительных принадлежностей запрещена (38-ФЗ, ст. 7): уберите её.',
        '{1.2,30.3.1}',
        '{табак,табачн*,сигарет*,сигар*,вейп*,"электронн* сигарет*",кальян*,снюс*,"жидкост* для вейп*"}',
        '{сигарет*,табак,табачн*,вейп*,кальян*,снюс*,никотин*,папирос*}', '{}'),
    ('betting', 'Азартные игры', 'block',
        'Реклама азартных игр и ставок вне разрешённых мест запрещена (38-ФЗ, ст. 27): уберите её.',
        '{5.1.2,5.2.8}', '{}', '{казино,букмекер*,"ставк* на спорт","игров* автомат*"}', '{}'),
    ('weapons', 'Оружие', 'block',
        'Реклама оружия допускается лишь в особых изданиях и местах (38-ФЗ, ст. 26): уберите её.',
        '{30.6.1}', '{оружи*,патрон*,боеприпас*}', '{}', '{}'),
    ('medicine_warning', 'Лекарства и медицинские изделия', 'block',
        'Нужно предупреждение, например «Имеются противопоказания. Проконсультируйтесь со специалистом» (38-ФЗ, ст. 24).',
        '{12.1,12.2.2,12.2.3,12.2.5}', '{лекарств*,"медицинск* издели*",аптек*}', '{}',
        '{"имеются противопоказания","проконсультируйтесь со специалистом","необходима консультация специалиста","необходимо ознакомиться с инструкцией","ознакомьтесь с инструкцией","консультация специалиста"}'),
    ('supplement_warning', 'Биологически активные добавки', 'block',
        'Нужно предупреждение «Не является лекарственным средством» (38-ФЗ, ст. 25).',
        '{12.2.1}', '{бад,"биологическ* активн* добавк*","пищев* добавк*"}', '{бад,"биологическ* активн* добавк*"}',
        '{"не является лекарственным средством","не является лекарством","не являются лекарственными средствами"}'),
    ('baby_food_warning', 'Детское питание', 'warn',
        'Для заменителей грудного молока укажите возраст и «Необходима консультация специалиста» (38-ФЗ, ст. 25).',
        '{17.5.2}', '{"молочн* смес*","детск* питани*"}', '{}',
        '{"консультация специалиста","проконсультируйтесь со специалистом"}'),
    ('age_mark', 'Знак возраста', 'block',
        'Информационной продукции нужен знак возраста: 0+, 6+, 12+, 16+ или 18+ (436-ФЗ).',
        '{5.2.2,5.2.4,5.2.5,5.2.6,20.1,30.1,30.4.2}', '{книг*,комикс*,манга,видеоигр*,"настольн* игр*",фильм*}', '{}',
        '{0+,6+,12+,16+,18+}'),
    ('credit_warning', 'Кредит и рассрочка', 'warn',
        'Назвав кредит или рассрочку, назовите и того, кто их даёт, и «Оценивайте свои финансовые возможности и риски» (38-ФЗ, ст. 28).',
        '{29.2.2}', '{}', '{кредит*,рассрочк*,займ*}', '{"оценивайте свои финансовые возможности и риски"}'),
    ('superlative', 'Превосходная степень', 'warn',
        'Сравнение «лучший», «№ 1» и подобное нужно подтвердить; запишите в причине, чем.',
        '{}', '{}',
        '{лучший,лучшая,лучшее,лучшие,лучшего,лучшей,лучших,лучшим,наилучш*,"самый лучший","номер один","номер 1",№1,"№ 1",первый в мире,единственн*,уникальнейш*,непревзойденн*,"не имеет аналогов","самый дешевый","самые низкие цены","самая низкая цена"}',
        '{}'),
    ('guarantee', 'Обещание действия', 'warn',
        'Обещание результата нужно подтвердить; запишите в причине, чем.',
        '{}', '{}', '{"гарантир* результат*","100 % результат*","вылечит*","излечива*","навсегда избав*"}', '{}'),
    ('profanity', 'Брань', 'block',
        'Бранные и непристойные слова в рекламе запрещены (38-ФЗ, ст. 5): перепишите текст.',
        '{}', '{}', '{хуй*,хуе*,хуя*,пизд*,ебан*,ебат*,ебал*,ебля,бляд*,блять,мудак*,мудил*,гандон*,пидор*,пидар*,сука,суки,дерьмо,говно*,жоп*}',
        '{}'),
    ('untranslated_words', 'Слова «sale», «new» без перевода', 'warn',
        'Иностранное слово дайте вместе с русским такого же смысла и вида (53-ФЗ, ст. 3).',
        '{}', '{}', '{sale,new,outlet,"black friday",cashback}', '{распродажа,новинка,скидк*,скидки,новый,"черная пятница",кешбэк,кэшбек}');

-- What the retailer says a category of his catalogue is called in KKTU, or what approved campaigns have taught.
create table category_kktu (
    category_id int primary key references category,
    kktu text not null check (kktu ~ '^([1-9]|[12][0-9]|30)\.[0-9]{1,2}\.[0-9]{1,2}$'),
    -- 'retailer' is never overwritten by what is learnt.
    source text not null check (source in ('retailer', 'learnt')),
    approvals int not null default 0,
    changed_at timestamptz not null,
    revision bigint not null default 1
);

-- Registration of a creative version with the operator: where it stands.
create table ord_registration (
    creative_version_id int primary key references creative_version,
    -- queued: to be sent; sending: a call is under way; unknown: nobody knows whether the last call arrived, so the
    -- operator is asked before anything is sent again; registered: has its token, the register's answer is awaited;
    -- done: the register has answered; refused: the operator wants a correction.
    state text not null check (state in ('queued', 'sending', 'unknown', 'registered', 'done', 'refused')),
    attempts int not null default 0,
    next_at timestamptz not null,
    kktu text,                  -- what was sent, since the campaign's may change
    error_code text check (char_length(error_code) <= 128),
    error_field text check (char_length(error_field) <= 255),
    error_message text check (char_length(error_message) <= 1000),
    erir_messages jsonb not null default '[]',
    changed_at timestamptz not null,
    started_at timestamptz      -- of the call under way
);
create index ord_registration_due on ord_registration (next_at, creative_version_id)
    where state in ('queued', 'sending', 'unknown', 'registered');

-- What the operator has of us, so that people, contracts and pictures are sent once and again only when they change.
create table ord_object (
    external_id text primary key check (char_length(external_id) between 1 and 100),
    body_sha256 bytea not null check (octet_length(body_sha256) = 32),
    accepted_at timestamptz not null
);

-- Every call to the operator, written and committed before it is made; a row without an end is an unknown outcome.
create table ord_call (
    id bigint generated always as identity primary key,
    creative_version_id int references creative_version,
    method text not null check (method in ('GET', 'PUT')),
    path text not null check (char_length(path) between 1 and 300),
    body_sha256 bytea check (octet_length(body_sha256) = 32),
    started_at timestamptz not null,
    finished_at timestamptz,
    outcome text check (outcome in ('accepted', 'refused', 'unknown', 'failed')),
    status int,
    error_code text check (char_length(error_code) <= 128),
    check ((finished_at is null) = (outcome is null))
);
create index ord_call_version on ord_call (creative_version_id, id);
create index ord_call_path on ord_call (path, id);
create index ord_call_open on ord_call (started_at) where finished_at is null;

select nimb_tenant_table('media_owner', 'nimb_sees(advertiser_id)');
select nimb_tenant_table('moderation_decision', 'nimb_sees(advertiser_id)', 'nimb_is_retailer()');
select nimb_tenant_table(t, 'nimb_scope() <> ''''', 'nimb_is_retailer()')
    from unnest(array['moderation_rule', 'category_kktu']) t;
select nimb_tenant_table('ord_registration',
    'exists (select 1 from creative_version v where v.id = creative_version_id)', 'nimb_is_retailer()');
select nimb_tenant_table(t, 'nimb_is_retailer()') from unnest(array['ord_object', 'ord_call']) t;
