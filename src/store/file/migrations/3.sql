-- From version 2 to 3; schema.sql explains the tables and columns.
alter table channel add column delivery_url text
    constraint channel_delivery_url_length check (length(delivery_url) between 1 and 2000);
alter table channel add column delivery_secret blob
    constraint channel_delivery_secret_length check (length(delivery_secret) between 24 and 64);
alter table channel add column delivery_secret_before blob check (length(delivery_secret_before) between 24 and 64);
alter table channel add column delivery_secret_before_until integer;
alter table channel add column delivery_off text
    constraint channel_delivery_off_length check (length(delivery_off) between 1 and 255);

create table delivery (
    sending_id integer primary key,
    channel_id integer not null,
    webhook_id text    not null,
    body       text    not null,
    state      text    not null
        check (case state when 'pending' then 1 when 'delivered' then 1 when 'dead' then 1 when 'cancelled' then 1 else 0 end),
    tries      integer not null default 0,
    due_at     integer not null,
    tried_at   integer,
    result     text
) strict;
create index delivery_due on delivery (channel_id, due_at) where state = 'pending';
create index delivery_by_state on delivery (state, sending_id) where state <> 'delivered';

alter table token add column last_used_at integer;
create table token_old_secret (
    digest   blob    primary key check (length(digest) = 32),
    token_id integer not null references token (id),
    until    integer not null
) strict, without rowid;
create index token_old_secret_by_token on token_old_secret (token_id, until);

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

create table audit_swept (
    id      integer primary key check (id = 1),
    through integer not null
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

-- The same statuses as a CASE: for an IN list SQLite makes a table at each check of a row. The stored rows do not change and are
-- not checked again. SQLite's documentation describes this way: https://sqlite.org/lang_altertable.html#otheralter
pragma writable_schema = on;
update sqlite_schema set sql = replace(sql, 'check (status in
        (''NEW'', ''UNASSIGNED'', ''SUSPENDED'', ''ASSIGNED'', ''REASSIGNED'', ''ANSWER_NEEDED'', ''WAITING'', ''IN_PROGRESS'', ''CLOSED''))',
    'check (case status
        when ''CLOSED'' then 1 when ''NEW'' then 1 when ''UNASSIGNED'' then 1 when ''SUSPENDED'' then 1 when ''ASSIGNED'' then 1
        when ''REASSIGNED'' then 1 when ''ANSWER_NEEDED'' then 1 when ''WAITING'' then 1 when ''IN_PROGRESS'' then 1 else 0 end)')
    where type = 'table' and name = 'thread';
pragma writable_schema = reset;
