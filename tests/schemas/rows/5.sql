-- What version 5 added: the index of the sends, statistics, refusals, and the last backup.

insert into schema_version values (5, unixepoch('2025-05-01 08:00:00') * 1000, '0.1.0');

insert into send_segment values (0);
insert into send_index
    select 0, 'client', client_id, sending_id from send union all
    select 0, 'thread', thread_id, sending_id from send union all
    select 0, 'form', form_id, sending_id from send;

insert into statistics
    select sent_at / 60000, 'sent', form_id, coalesce((select channel_id from thread where id = send.thread_id), 0), count(*)
      from send group by 1, 2, 3, 4;
insert into statistics values
    (unixepoch('2025-03-01 10:20:00') / 60, 'noOpenThread', 1, 1, 9007199254740993),
    (unixepoch('2025-03-01 10:20:00') / 60, 'token', 0, 0, 1);

-- One with everything, and one whose body was not valid.
insert into refusal values
    (8, unixepoch('2025-03-01 10:20:00') * 1000, 'r-8', 'crm', 'noOpenThread', 409, 'Client has open thread',
        'internalClientId', '2', 1, 2, 3),
    (9, unixepoch('2025-03-01 10:20:01') * 1000, 'r-9', 'desk', 'body', 400, 'Bad Request', null, null, null, null, null);
update sqlite_sequence set seq = 60 where name = 'refusal';

insert into last_backup values (1, unixepoch('2025-03-02 03:00:00') * 1000, 6, 122880);

insert into audit values
    (32, unixepoch('2025-05-01 08:12:00') * 1000, 'cli:anna:root', null, 'empty', 'log', null, '{"erasures":1,"through":20}');
