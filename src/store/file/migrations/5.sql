-- Version 5: statistics, refusals, an index of the sends that is filled after them, the last backup.

-- "Whose name begins so?"
create index client_by_name on client (name) where name is not null;

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

insert into statistics
    select sent_at / 60000, 'sent', form_id, coalesce((select channel_id from thread where id = send.thread_id), 0), count(*)
      from send group by 1, 2, 3, 4;
