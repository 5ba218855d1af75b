-- The file of surveyd, version 1. This is the whole of it: what is stored, what can never be stored, and why.
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
    type text not null constraint channel_type_length check (length(type) between 1 and 255)
) strict;

-- Those who are asked. `external_id` is the client's identifier in the integrator's system (a CRM, say); it is
-- unique where present, because a send may name the client by it.
create table client (
    id          integer primary key,
    external_id text constraint client_external_id_unique unique
                constraint client_external_id_length check (length(external_id) between 1 and 255),
    name        text constraint client_name_length check (length(name) between 1 and 255)
) strict;

-- Conversations. The statuses are the vendor's; open is everything but CLOSED.
create table thread (
    id                integer primary key,
    client_id         integer not null references client (id),
    channel_id        integer not null references channel (id),
    status            text    not null constraint thread_status check (status in
        ('NEW', 'UNASSIGNED', 'SUSPENDED', 'ASSIGNED', 'REASSIGNED', 'ANSWER_NEEDED', 'WAITING', 'IN_PROGRESS', 'CLOSED')),
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
-- after a client or a thread is gone, and a key would need a random-order index here that costs a third of the
-- sends a second.
create table send (
    sending_id integer primary key autoincrement,
    form_id    integer not null,
    thread_id  integer not null,
    client_id  integer not null,
    sent_at    integer not null,
    token      text    not null
) strict;

-- Who may call. The secret itself is nowhere in this file: only its SHA-256, by which it is found. Rows are never
-- deleted: a revoked token explains itself in the list, and its id is never used again.
create table token (
    id         integer primary key autoincrement,
    name       text    not null constraint token_name_length check (length(name) between 1 and 64),
    role       text    not null check (role in ('INTEGRATOR', 'OPERATOR', 'SUPERVISOR', 'ADMIN')),
    digest     blob    not null unique check (length(digest) = 32),
    created_at integer not null,
    expires_at integer check (expires_at > created_at),
    revoked_at integer check (revoked_at >= created_at)
) strict;

-- A name stands for one token at a time, so that "who sent this?" has one answer; a revoked token frees its name.
create unique index token_name_in_use on token (name) where revoked_at is null;
