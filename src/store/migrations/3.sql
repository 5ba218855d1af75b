-- From version 2 to 3; see schema.sql for what each is for.

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

create trigger audit_row_never_changes before update on audit
    begin select raise(abort, 'a row of the audit never changes'); end;
create trigger audit_row_never_goes before delete on audit
    begin select raise(abort, 'a row of the audit never goes'); end;
create trigger audit_row_is_never_replaced before insert on audit when exists (select 1 from audit where id = new.id)
    begin select raise(abort, 'a row of the audit is never replaced'); end;
