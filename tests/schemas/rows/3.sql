-- What version 3 added: deliveries, rotated tokens and the audit.

insert into schema_version values (3, unixepoch('2025-03-01 08:00:00') * 1000, '0.0.3');

-- The secret of channel 1 was replaced, and is used alongside the new one. Channel 2 is switched off.
update channel set delivery_url = 'https://widget.example/surveys', delivery_secret = zeroblob(32),
    delivery_secret_before = zeroblob(24), delivery_secret_before_until = unixepoch('9999-12-31') * 1000 where id = 1;
update channel set delivery_url = 'https://bot.example/', delivery_secret = zeroblob(64), delivery_off = '410 Gone' where id = 2;
update channel set delivery_url = 'https://bot.example/' || replace(hex(zeroblob(1980)), '00', 'u'),
    delivery_off = replace(hex(zeroblob(255)), '00', 'é') where id = 9223372036854775807;

-- Every state. The send of the cancelled delivery is of a client who was erased: it has neither client nor thread nor body.
insert into send values
    (10, 1, 0, 0, unixepoch('2025-03-03 00:00:00') * 1000, 'crm'),
    (11, 2, 4, 3, unixepoch('2025-03-03 00:00:00') * 1000, 'crm');
insert into delivery values
    (4, 1, 'msg_4', '{"type":"survey.sent","data":{"sendingId":4}}', 'delivered', 1,
        unixepoch('2025-03-01 10:20:00') * 1000, unixepoch('2025-03-01 10:20:01') * 1000, '200 OK'),
    (5, 1, 'msg_5', '{"type":"survey.sent","data":{"sendingId":5,"text":"größer 😀"}}', 'pending', 0,
        unixepoch('9999-12-31') * 1000, null, null),
    (6, 1, 'msg_6', '{"type":"survey.sent","data":{"sendingId":6}}', 'dead', 9,
        unixepoch('2025-03-02') * 1000, unixepoch('2025-03-02') * 1000, '500 Internal Server Error'),
    (10, 1, 'msg_10', '', 'cancelled', 1, unixepoch('2025-03-03') * 1000, unixepoch('2025-03-03') * 1000, 'connection refused'),
    (11, 2, 'msg_11', '{}', 'pending', 0, unixepoch('9999-12-31') * 1000, null, null);

-- Token 3 was rotated twice: one of its old secrets, surveyd_before, is still valid, and surveyd_outdated is not.
update token set last_used_at = unixepoch('2025-03-01 10:00:00') * 1000 where id in (1, 3);
insert into token_old_secret values
    (x'eb4875ae4e01368d1f30cf2e84062bc6987e68b2f3e514b352e5be2bc1c2a67b', 3, unixepoch('9999-12-31') * 1000),
    (x'dcde72bb5716e36a61df4979df9b6f354d495f2c596175e5e9663e921aae4628', 3, unixepoch('2025-02-02') * 1000);

-- Every action of that version. The rows up to 10 were deleted by the retention, and client 7 was erased.
update audit_swept set through = 10;
insert into audit values
    (11, unixepoch('2025-03-01 08:00:00') * 1000, 'retention', null, 'sweep', 'audit', null, '{"through":10}'),
    (12, unixepoch('2025-03-01 08:01:00') * 1000, 'cli', null, 'apply', 'world', null, '{"clients":7}'),
    (13, unixepoch('2025-03-01 08:02:00') * 1000, 'cli', null, 'import', 'threads', null, '{"rows":12}'),
    (14, unixepoch('2025-03-01 08:03:00') * 1000, 'ops', '::1', 'create', 'clients/7', null, '"erased"'),
    (15, unixepoch('2025-03-01 08:04:00') * 1000, 'ops', '127.0.0.1', 'change', 'threads/70', '"erased"', '"erased"'),
    (16, unixepoch('2025-03-01 08:05:00') * 1000, 'ops', '127.0.0.1', 'delete', 'forms/77', '{"id":77,"name":"\"Old\""}', null),
    (17, unixepoch('2025-03-01 08:06:00') * 1000, 'cli', null, 'rotate', 'tokens/3', '{"id":3}', '{"id":3}'),
    (18, unixepoch('2025-03-01 08:07:00') * 1000, 'cli', null, 'revoke', 'tokens/6', '{"id":6}', '{"id":6}'),
    (19, unixepoch('2025-03-01 08:08:00') * 1000, 'ops', '127.0.0.1', 'retry', 'deliveries/6', null, '{"state":"pending"}'),
    (20, unixepoch('2025-03-03 08:09:00') * 1000, 'ops', '127.0.0.1', 'erase', 'clients/7', null,
        '{"threads":1,"sends":1,"audit":2}'),
    (21, unixepoch('2025-03-03 08:10:00') * 1000, 'ops', '127.0.0.1', 'change', 'settings',
        '{"surveysViaExternalApi":false}', '{"surveysViaExternalApi":true}');
update sqlite_sequence set seq = 30 where name = 'audit';
