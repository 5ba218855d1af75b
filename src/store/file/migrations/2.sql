-- From version 1 to 2; schema.sql explains the tables and columns.
alter table client add column phone text constraint client_phone_length check (length(phone) between 1 and 64);
create index client_by_phone on client (phone) where phone is not null;
create index thread_open on thread (status) where status <> 'CLOSED';

create table idempotency_key (
    holder     text    not null,
    key        text    not null check (length(key) between 1 and 255),
    request    blob    not null check (length(request) = 32),
    sending_id integer not null,
    created_at integer not null,
    primary key (holder, key)
) strict, without rowid;
create index idempotency_key_by_age on idempotency_key (created_at);
