-- From version 1 to 2; see schema.sql for what each is for.
alter table client add column phone text constraint client_phone_length check (length(phone) between 1 and 64);
create index client_by_phone on client (phone) where phone is not null;
create index thread_open on thread (status) where status <> 'CLOSED';
