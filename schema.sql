-- The file of surveyd, version 3. This is the whole of it: what is stored, what can never be stored, and why.
--
-- Every table is STRICT: a text in an integer column is an error, not a surprise years later.
-- Times are integer milliseconds since 1970-01-01T00:00:00Z; the wire shows them as ISO-8601.
-- Flags are 0 or 1. Lengths count characters.

-- Which version each step of the migration ladder brought the file to, and which surveyd did it. A file from
-- the future is refused by `pragma user_version`, and this table names the program that can open it.
create table schema_version (
    version    integer primary key,
    applied_at integer not null,
    surveyd    text    not null
) strict;

-- The system settings of the Chat Center that a send depends on: one row, always there.
create table settings (
    id                       integer primary key check (id = 1),
    -- "Surveys via external API are enabled in the system settings". Off in a new file: sending surveys to
    -- people is something that an administrator turns on, never something that happens to them.
    surveys_via_external_api integer not null check (surveys_via_external_api in (0, 1))
) strict;

insert into settings values (1, 0);

-- Where conversations take place: a web widget, a mobile app, a messenger.
create table channel (
    id   integer primary key,
    name text not null constraint channel_name_length check (length(name) between 1 and 255),
    type text not null constraint channel_type_length check (length(type) between 1 and 255),
    -- The gateway (a chat widget's server, a messenger bot) that surveys are delivered to; without one they are recorded.
    delivery_url text constraint channel_delivery_url_length check (length(delivery_url) between 1 and 2000),
    -- What deliveries are signed with. Both ends need the secret itself, so it cannot be a digest.
    delivery_secret blob constraint channel_delivery_secret_length check (length(delivery_secret) between 24 and 64),
    -- The one before, and until when deliveries are signed with it as well.
    delivery_secret_before blob check (length(delivery_secret_before) between 24 and 64),
    delivery_secret_before_until integer,
    -- Why nothing is delivered at the moment (the gateway has answered 410 Gone, say), if that is so.
    delivery_off text constraint channel_delivery_off_length check (length(delivery_off) between 1 and 255)
) strict;

-- Those who are asked. `external_id` is the client's identifier in the integrator's system (a CRM, say); it is
-- unique where present, because a send may name the client by it.
create table client (
    id          integer primary key,
    external_id text constraint client_external_id_unique unique
                constraint client_external_id_length check (length(external_id) between 1 and 255),
    name        text constraint client_name_length check (length(name) between 1 and 255),
    -- As a telephony system has it; several clients may share one. Clients are looked up by it.
    phone       text constraint client_phone_length check (length(phone) between 1 and 64)
) strict;

create index client_by_phone on client (phone) where phone is not null;

-- Conversations. The statuses are the vendor's; open is everything but CLOSED. They are not written as `status in (…)`, for
-- which SQLite builds a table of the nine anew for each row: more than a third of what an insert costs.
create table thread (
    id                integer primary key,
    client_id         integer not null references client (id),
    channel_id        integer not null references channel (id),
    status            text    not null constraint thread_status check (case status
        when 'CLOSED' then 1 when 'NEW' then 1 when 'UNASSIGNED' then 1 when 'SUSPENDED' then 1 when 'ASSIGNED' then 1
        when 'REASSIGNED' then 1 when 'ANSWER_NEEDED' then 1 when 'WAITING' then 1 when 'IN_PROGRESS' then 1 else 0 end),
    start_time        integer not null,
    state_change_time integer not null,
    -- When the thread was closed; null while it is open. Derived, so that it can never disagree with the status.
    closing_time      integer generated always as (case when status = 'CLOSED' then state_change_time end) virtual,
    constraint thread_times_in_order check (state_change_time >= start_time)
) strict;

-- One index answers every question of the rules about a client from one page: "has it an open thread?" (closing_time is
-- null), "which closed thread is the last?" (the greatest closing_time, the greater id breaking a tie), and "in which
-- channel was that?". With the channel in it the row itself is not read: at ten million threads that is one page from
-- the file instead of three.
create index thread_by_client on thread (client_id, closing_time, id, channel_id);

-- "Which threads wait for an answer?" Open threads are few beside the closed ones, which this index leaves out.
create index thread_open on thread (status) where status <> 'CLOSED';

-- Deleting a channel asks whether a thread needs it; without this index that is a scan in the writer's time.
create index thread_by_channel on thread (channel_id);

-- Quality forms (surveys). Everything below the name is the vendor's and optional: stored and passed on, never
-- a reason to refuse a send.
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
    hide_after_s           integer  -- seconds the form stays available after the thread closed
) strict;

-- Enablement: the channels that a form is enabled for. It belongs to the form and goes with it; a channel that a
-- form is enabled for is needed by it and stays.
create table form_channel (
    form_id    integer not null references form (id) on delete cascade,
    channel_id integer not null references channel (id),
    primary key (form_id, channel_id)
) strict, without rowid;

-- The other direction, for the question that deleting a channel asks.
create index form_channel_by_channel on form_channel (channel_id);

-- What was sent, in the order of the commits. autoincrement: a sendingId is never used twice, whatever is
-- deleted. The ids are copies without foreign keys, and so is the token's name: this is history, which stays true
-- after a client or a thread is gone (0 for both once the client was erased), and a key would need a random-order index here that costs a third of the
-- sends a second.
create table send (
    sending_id integer primary key autoincrement,
    form_id    integer not null,
    thread_id  integer not null,
    client_id  integer not null,
    sent_at    integer not null,
    token      text    not null
) strict;

-- The outbox: what is to be delivered to the gateway of a channel. Each row is written in the transaction of its send, so
-- that none is ever without the other. `body` is the message as it was at the time of the send, because a retry must say the
-- same; it is empty once the client was erased. The channel is a copy without foreign key, as in `send`. A send whose channel has no gateway has no row here.
create table delivery (
    sending_id integer primary key,
    channel_id integer not null,
    webhook_id text    not null,  -- the same over all tries
    body       text    not null,
    state      text    not null  -- no `in`, as in `thread`
        check (case state when 'pending' then 1 when 'delivered' then 1 when 'dead' then 1 when 'cancelled' then 1 else 0 end),
    tries      integer not null default 0,  -- since it was sent, or since it was last tried again by hand
    due_at     integer not null,            -- of a pending one: when it is tried next
    tried_at   integer,
    result     text                         -- of the last try
) strict;

-- "What is due in this channel?" Only what is pending is in it, and new rows come in at the end.
create index delivery_due on delivery (channel_id, due_at) where state = 'pending';

-- "What is dead?", in the order of the sends, without walking through everything that was delivered.
create index delivery_by_state on delivery (state, sending_id) where state <> 'delivered';

-- Idempotency keys: a token's key stands for one send, so that a caller who never saw the answer can ask again without
-- sending twice. `holder` is the token's id and name, `request` the SHA-256 of what was asked for. Only successes are here,
-- each written in the transaction of its send, and for a day. The random order of this primary key costs only the sends
-- that have one.
create table idempotency_key (
    holder     text    not null,
    key        text    not null check (length(key) between 1 and 255),
    request    blob    not null check (length(request) = 32),
    sending_id integer not null,
    created_at integer not null,
    primary key (holder, key)
) strict, without rowid;

-- The keys that are a day old go first.
create index idempotency_key_by_age on idempotency_key (created_at);

-- Who may call. The secret itself is nowhere in this file: only its SHA-256, by which it is found. Rows are never
-- deleted: a revoked token explains itself in the list, and its id is never used again.
create table token (
    id         integer primary key autoincrement,
    name       text    not null constraint token_name_length check (length(name) between 1 and 64),
    role       text    not null check (role in ('INTEGRATOR', 'OPERATOR', 'SUPERVISOR', 'ADMIN')),
    digest     blob    not null unique check (length(digest) = 32),
    created_at integer not null,
    expires_at integer check (expires_at > created_at),
    revoked_at integer check (revoked_at >= created_at),
    -- The beginning of the hour in which it was last used. No finer, so that who only reads does not write each time.
    last_used_at integer
) strict;

-- A name stands for one token at a time, so that "who sent this?" has one answer; a revoked token frees its name.
create unique index token_name_in_use on token (name) where revoked_at is null;

-- The secrets that a token had before it was rotated, again only by their SHA-256, and until when each is good beside the
-- present one. Those that have ended stay until the next rotation, so that who still comes with one is told that it expired.
create table token_old_secret (
    digest   blob    primary key check (length(digest) = 32),
    token_id integer not null references token (id),
    until    integer not null
) strict, without rowid;

create index token_old_secret_by_token on token_old_secret (token_id, until);

-- The audit: who changed what, each row written in the transaction of its change. `who` is the name of the token, or
-- `cli` for a command on this machine, which has no address. `object` is called as the admin routes call it: settings,
-- channels/1, forms/1/channels/2, tokens/3; all that an apply puts is the world. What a row was and what it is now are JSON
-- as the admin routes have it; null is nothing. Secrets are in neither.
create table audit (
    id      integer primary key autoincrement,
    at      integer not null,
    who     text    not null,
    address text,
    action  text    not null,
    object  text    not null,
    before  text check (json_valid(before)),
    after   text check (json_valid(after))
) strict;

-- The audit only grows, whoever holds the file open; not even "insert or replace" gets by. Two things are let through, and
-- each leaves a row that says so. The erasure of a person leaves who did what to what, and when, and puts "erased" for what
-- their rows were. Retention moves the marker below over the oldest rows, in the transaction that deletes them: rows behind it
-- stay whatever happens, it never goes back, and it never covers what is younger than a day.
create table audit_swept (
    id      integer primary key check (id = 1),
    through integer not null  -- the last row of the audit that may be gone
) strict;

insert into audit_swept values (1, 0);

create trigger audit_swept_only_goes_on before update on audit_swept when new.through < old.through
    begin select raise(abort, 'what is gone of the audit stays gone'); end;
create trigger audit_swept_leaves_a_day before update on audit_swept
    when exists (select 1 from audit where id <= new.through and at > (unixepoch() - 86400) * 1000)
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
