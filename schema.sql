-- The schema of a surveyd database, version 5: what is stored, which values are possible, and why.
--
-- Every table is STRICT: a text in an integer column is an error at once, and not years later.
-- Times are integer milliseconds since 1970-01-01T00:00:00Z. The API shows them as ISO-8601.
-- Flags are 0 or 1. Lengths count characters.

-- The migrations of this file: the version that each one led to, and the surveyd that ran it. A file of a later version
-- is refused because of `pragma user_version`. This table names the surveyd that can open it.
create table schema_version (
    version    integer primary key,
    applied_at integer not null,
    surveyd    text    not null
) strict;

-- The system settings of the Chat Center that a send depends on. Exactly one row.
create table settings (
    id                       integer primary key check (id = 1),
    -- "Surveys via external API are enabled in the system settings". Off in a new file, so that no survey goes to a
    -- person before an administrator has turned it on.
    surveys_via_external_api integer not null check (surveys_via_external_api in (0, 1))
) strict;

insert into settings values (1, 0);

-- Channels are where conversations happen: a web widget, a mobile app, a messenger.
create table channel (
    id   integer primary key,
    name text not null constraint channel_name_length check (length(name) between 1 and 255),
    type text not null constraint channel_type_length check (length(type) between 1 and 255),
    -- The gateway (a chat widget's server, a messenger bot) that receives surveys. Without one they are only recorded.
    delivery_url text constraint channel_delivery_url_length check (length(delivery_url) between 1 and 2000),
    -- The key that signs deliveries. Both sides need the key itself, so it cannot be stored as a digest.
    delivery_secret blob constraint channel_delivery_secret_length check (length(delivery_secret) between 24 and 64),
    -- The previous secret. Until this time, deliveries are signed with it too.
    delivery_secret_before blob check (length(delivery_secret_before) between 24 and 64),
    delivery_secret_before_until integer,
    -- Why deliveries are switched off, for example because the gateway answered 410 Gone; null while they are on.
    delivery_off text constraint channel_delivery_off_length check (length(delivery_off) between 1 and 255)
) strict;

-- Clients are the people who are asked. `external_id` is the client's id in the integrator's system, for example a CRM.
-- It is unique, because a send may name the client by it. It may be null.
create table client (
    id          integer primary key,
    external_id text constraint client_external_id_unique unique
                constraint client_external_id_length check (length(external_id) between 1 and 255),
    name        text constraint client_name_length check (length(name) between 1 and 255),
    -- As a telephony system writes it. Several clients may share one. Clients are looked up by it.
    phone       text constraint client_phone_length check (length(phone) between 1 and 64)
) strict;

create index client_by_phone on client (phone) where phone is not null;

-- "Whose name begins so?"
create index client_by_name on client (name) where name is not null;

-- Threads are conversations. The statuses are the vendor's. A thread is open in every status except CLOSED. The check
-- is not written as `status in (…)`: for that, SQLite builds a table of the nine values for each row, which is more
-- than a third of the cost of an insert.
create table thread (
    id                integer primary key,
    client_id         integer not null references client (id),
    channel_id        integer not null references channel (id),
    status            text    not null constraint thread_status check (case status
        when 'CLOSED' then 1 when 'NEW' then 1 when 'UNASSIGNED' then 1 when 'SUSPENDED' then 1 when 'ASSIGNED' then 1
        when 'REASSIGNED' then 1 when 'ANSWER_NEEDED' then 1 when 'WAITING' then 1 when 'IN_PROGRESS' then 1 else 0 end),
    start_time        integer not null,
    state_change_time integer not null,
    -- The time at which the thread was closed; null while it is open. Generated, so that it always agrees with the
    -- status.
    closing_time      integer generated always as (case when status = 'CLOSED' then state_change_time end) virtual,
    constraint thread_times_in_order check (state_change_time >= start_time)
) strict;

-- This index answers every question of the rules about a client from one page: "Is there an open thread?" (closing_time
-- is null), "Which closed thread is the last?" (the greatest closing_time, then the greatest id), and "In which channel
-- was it?". Because the channel is in the index, the row itself is not read: with ten million threads that is one page
-- from the file instead of three.
create index thread_by_client on thread (client_id, closing_time, id, channel_id);

-- "Which threads wait for an answer?" There are few open threads and many closed ones, which are not in this index.
create index thread_open on thread (status) where status <> 'CLOSED';

-- To delete a channel, SQLite looks for threads that refer to it. Without this index that is a scan in the writer
-- thread.
create index thread_by_channel on thread (channel_id);

-- Quality forms (surveys). The columns after the name are the vendor's optional fields. They are stored and passed on,
-- and no rule looks at them.
create table form (
    id                     integer primary key,
    name                   text not null constraint form_name_length check (length(name) between 1 and 255),
    binary_question        integer check (binary_question in (0, 1)),
    question_min_value     integer,
    question_max_value     integer,
    question_kpi           real,
    question_text          text,
    question_display_text  text,
    required_message_count integer,
    sending_frequency      integer,
    hide_after_s           integer  -- seconds for which the form stays available after the thread was closed
) strict;

-- The channels that a form is enabled for. Deleting a form deletes these rows. A channel cannot be deleted while a form
-- is enabled for it.
create table form_channel (
    form_id    integer not null references form (id) on delete cascade,
    channel_id integer not null references channel (id),
    primary key (form_id, channel_id)
) strict, without rowid;

-- To delete a channel, SQLite looks for forms that are enabled for it.
create index form_channel_by_channel on form_channel (channel_id);

-- The sends, in the order of their commits. autoincrement: a sendingId is never used again, even after a deletion. The
-- ids and the token's name are copies without foreign keys. A send is history and stays after its client or thread was
-- deleted (both ids are 0 after an erasure). A foreign key would also need an index in random order, which would cost a
-- third of the sends per second.
create table send (
    sending_id integer primary key autoincrement,
    form_id    integer not null,
    thread_id  integer not null,
    client_id  integer not null,
    sent_at    integer not null,
    token      text    not null
) strict;

-- The outbox: deliveries to the gateways of channels. A row is written in the transaction of its send, so that neither
-- exists without the other. A send to a channel without a gateway has no row here. `body` is the message at the time of
-- the send, because every retry must send the same; it is empty after an erasure. `channel_id` is a copy without a
-- foreign key, as in `send`.
create table delivery (
    sending_id integer primary key,
    channel_id integer not null,
    webhook_id text    not null,  -- the same for all tries
    body       text    not null,
    state      text    not null  -- not `in (…)`, as in `thread`
        check (case state when 'pending' then 1 when 'delivered' then 1 when 'dead' then 1 when 'cancelled' then 1 else 0 end),
    tries      integer not null default 0,  -- since the send, or since the last retry by hand
    due_at     integer not null,            -- while it is pending: the time of the next try
    tried_at   integer,
    result     text                         -- of the last try
) strict;

-- "What is due in this channel?" The index has only pending rows, and new rows are appended at its end.
create index delivery_due on delivery (channel_id, due_at) where state = 'pending';

-- "Which deliveries are dead?", in the order of the sends, without a scan of all that were delivered.
create index delivery_by_state on delivery (state, sending_id) where state <> 'delivered';

-- Idempotency keys. A key of a token belongs to one send, so that a caller who missed the answer can repeat the request
-- without a second send. `holder` is the id and name of the token, `request` the SHA-256 of the request. Only
-- successful sends are here. A row is written in the transaction of its send and expires after a day. The primary key
-- is in random order, which only slows the sends that have a key.
create table idempotency_key (
    holder     text    not null,
    key        text    not null check (length(key) between 1 and 255),
    request    blob    not null check (length(request) = 32),
    sending_id integer not null,
    created_at integer not null,
    primary key (holder, key)
) strict, without rowid;

-- The oldest keys are deleted first.
create index idempotency_key_by_age on idempotency_key (created_at);

-- The index of the sends: "What was sent to this client?". It is filled after the sends, one segment after another, and never
-- by a send: an index in random order would cost a third of the sends per second. The segment `n` has the sendingIds from
-- 65536 n on. Sends that no segment has yet are found by a scan of the end of the table.
create table send_segment (
    segment integer primary key
) strict;

-- A value of a field may have many rows. A row may stay after its send was deleted, and goes with its segment.
create table send_index (
    segment    integer not null,
    field      text    not null check (field in ('client', 'form', 'thread')),
    value      integer not null,  -- the id of the client, form or thread
    sending_id integer not null,
    primary key (segment, field, value, sending_id)
) strict, without rowid;

-- How many surveys were sent and refused in each minute. Sends are counted in their own transaction, refusals within a minute.
-- The counts stay when sends, clients and forms are deleted.
create table statistics (
    minute     integer not null,  -- since 1970
    outcome    text    not null,  -- `sent`, or the name of the rule that refused
    form_id    integer not null,  -- 0 if it is not known
    channel_id integer not null,  -- 0 if it is not known
    count      integer not null check (count > 0),
    primary key (minute, outcome, form_id, channel_id)
) strict, without rowid;

-- The last refused sends, for "Why did this client get no survey?". They are written within a minute. Few enough to be scanned.
create table refusal (
    id          integer primary key autoincrement,
    at          integer not null,
    request_id  text    not null,
    token       text    not null,  -- its name
    rule        text    not null,
    status      integer not null,  -- of the answer
    message     text    not null,  -- of the answer
    target_type text,              -- what the request names, in its own words; null if its body is not valid
    target      text,
    form_id     integer,
    client_id   integer,           -- the client that was found
    thread_id   integer            -- the thread that was found: the open one, or the one that the survey would have gone to
) strict;

-- The last backup that was made and verified. At most one row.
create table last_backup (
    id    integer primary key check (id = 1),
    at    integer not null,
    sends integer not null,
    bytes integer not null
) strict;

-- The tokens of callers. The file has only the SHA-256 of a secret, and tokens are found by it. Rows are never deleted,
-- so that the list shows revoked tokens, and no id is used again.
create table token (
    id         integer primary key autoincrement,
    name       text    not null constraint token_name_length check (length(name) between 1 and 64),
    role       text    not null check (role in ('INTEGRATOR', 'OPERATOR', 'SUPERVISOR', 'ADMIN')),
    digest     blob    not null unique check (length(digest) = 32),
    created_at integer not null,
    expires_at integer check (expires_at > created_at),
    revoked_at integer check (revoked_at >= created_at),
    -- The start of the hour of the last use. Not more exact, so that a read does not cause a write each time.
    last_used_at integer
) strict;

-- A name belongs to one token at a time, so that "Who sent this?" has one answer. The name of a revoked token can be
-- used again.
create unique index token_name_in_use on token (name) where revoked_at is null;

-- The secrets that a token had before a rotation, again only as SHA-256, and the time until which each is valid
-- alongside the present one. Expired ones stay until the next rotation, so that a caller with one learns that it
-- expired.
create table token_old_secret (
    digest   blob    primary key check (length(digest) = 32),
    token_id integer not null references token (id),
    until    integer not null
) strict, without rowid;

create index token_old_secret_by_token on token_old_secret (token_id, until);

-- The audit: every change and its author. A row is written in the transaction of its change. `who` is the name of the
-- token, or `cli:anna` for a command of the system user anna on this machine, which has no address (`cli:anna:root` by
-- sudo; `cli` in rows of earlier versions). `object` is named as in the admin routes:
-- settings, channels/1, forms/1/channels/2, tokens/3. A whole apply is one change of `world`. `before` and `after` are
-- the object as JSON of the admin routes, or null if there was or is none. Neither contains a secret. The checks ask for null
-- themselves, because `json_valid(null)` is 0 in SQLite 3.40 and null in later versions.
create table audit (
    id      integer primary key autoincrement,
    at      integer not null,
    who     text    not null,
    address text,
    action  text    not null,
    object  text    not null,
    before  text check (before is null or json_valid(before)),
    after   text check (after is null or json_valid(after))
) strict;

-- The audit is append-only for every program that opens the file, also for "insert or replace". There are two
-- exceptions, and each adds a row that records it:
-- 1. The erasure of a person replaces `before` and `after` of the person's rows by "erased". Author, action, object and time
--    stay.
-- 2. Retention moves the marker `through` over the oldest rows, in the transaction that deletes them. Rows after the marker
--    cannot be deleted. The marker never moves back, and never covers the last day.
create table audit_swept (
    id      integer primary key check (id = 1),
    through integer not null  -- rows up to this id may be deleted
) strict;

insert into audit_swept values (1, 0);

create trigger audit_swept_only_goes_on before update on audit_swept when new.through < old.through
    begin select raise(abort, 'what is gone of the audit stays gone'); end;
create trigger audit_swept_leaves_a_day before update on audit_swept
    when exists (select 1 from audit where id <= new.through and at > (strftime('%s', 'now') - 86400) * 1000)
    begin select raise(abort, 'a day of the audit is always kept'); end;
create trigger audit_row_never_changes before update on audit
    when new.id <> old.id or new.at <> old.at or new.who <> old.who or new.address is not old.address
      or new.action <> old.action or new.object <> old.object
      or (old.object not like 'clients/%' and old.object not like 'threads/%')
      or new.before is not iif(old.before is null, null, '"erased"')
      or new.after is not iif(old.after is null, null, '"erased"')
    begin select raise(abort, 'a row of the audit never changes'); end;
create trigger audit_row_never_goes before delete on audit
    when old.id > coalesce((select through from audit_swept), 0)
    begin select raise(abort, 'a row of the audit never goes'); end;
create trigger audit_row_is_never_replaced before insert on audit when exists (select 1 from audit where id = new.id)
    begin select raise(abort, 'a row of the audit is never replaced'); end;
