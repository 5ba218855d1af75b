-- Rows of every kind for a database of version 1. A database of a later version has them too: each file of this folder adds
-- what its version added. No time is near the present, so that the rows are the same at each run.

insert into schema_version values (1, unixepoch('2025-01-01 08:00:00') * 1000, '0.0.1');

update settings set surveys_via_external_api = 1;

-- The longest name has 255 characters of four bytes each.
insert into channel (id, name, type) values
    (1, 'Web widget', 'WEB'),
    (2, 'Mobile app', 'MOBILE_APP'),
    (-9223372036854775808, '"quoted", ''twice''; a/b\c', 'a'),
    (9223372036854775807, replace(hex(zeroblob(255)), '00', '😀'), replace(hex(zeroblob(255)), '00', 'T'));

insert into client (id, external_id, name) values
    (1, 'crm-1', 'Alice'),
    (2, 'crm-2', 'Bob'),
    (3, 'crm-3', 'Carol'),
    (4, 'crm-4', null),
    (5, null, 'Eve'),
    (6, null, null),
    (-9223372036854775808, ' ', 'line' || char(10) || 'break' || char(9) || 'tab, "comma"'),
    (9223372036854775807, replace(hex(zeroblob(255)), '00', 'é'), replace(hex(zeroblob(255)), '00', '😀'));

-- Every status. A survey for client 1 is allowed. Client 2 has an open thread, client 3 the wrong channel, client 4 none.
insert into thread (id, client_id, channel_id, status, start_time, state_change_time) values
    (1, 1, 1, 'CLOSED', unixepoch('2025-03-01 10:00:00') * 1000, unixepoch('2025-03-01 10:15:00') * 1000 + 7),
    (2, 2, 1, 'CLOSED', unixepoch('2025-03-01 10:00:00') * 1000, unixepoch('2025-03-01 10:15:00') * 1000),
    (3, 2, 1, 'ASSIGNED', unixepoch('2025-03-02 10:00:00') * 1000, unixepoch('2025-03-02 10:00:00') * 1000),
    (4, 3, 2, 'CLOSED', unixepoch('2025-03-01 10:00:00') * 1000, unixepoch('2025-03-01 10:15:00') * 1000),
    (5, 2, 1, 'NEW', 0, 0),
    (6, 2, 1, 'UNASSIGNED', -1, 0),
    (7, 2, 2, 'SUSPENDED', 0, 1),
    (8, 2, 2, 'REASSIGNED', 0, 1),
    (9, 2, 2, 'WAITING', 0, 1),
    (10, 2, 2, 'IN_PROGRESS', 0, 1),
    -- From the first time of the API to the last.
    (9223372036854775807, 9223372036854775807, 9223372036854775807, 'ANSWER_NEEDED',
        unixepoch('0001-01-01') * 1000, unixepoch('9999-12-31 23:59:59') * 1000 + 999),
    (-9223372036854775808, -9223372036854775808, -9223372036854775808, 'CLOSED',
        unixepoch('0001-01-01') * 1000, unixepoch('0001-01-01') * 1000);

insert into form values
    (1, 'Service quality', null, null, null, null, null, null, null, null, null),
    (2, 'Mobile app quality', 1, 1, 5, 0.1, 'How was it?', 'Quality', 2, 30, 300),
    (3, 'Partly', 0, null, 10, null, '', null, null, 0, null),
    (9223372036854775807, replace(hex(zeroblob(255)), '00', '😀'), 1, -9223372036854775808, 9223372036854775807,
        1.7976931348623157e308, 'line' || char(10) || 'break', '"', 9223372036854775807, -9223372036854775808,
        9223372036854775807);

insert into form_channel values (1, 1), (2, 1), (2, 2), (9223372036854775807, 9223372036854775807);

-- Two of one minute, one at the last instant of it, one of a thread that was deleted, one of a deleted form. Sends 1 to 3 and
-- those after 9 were deleted.
insert into send values
    (4, 1, 1, 1, unixepoch('2025-03-01 10:20:00') * 1000, 'crm'),
    (5, 1, 1, 1, unixepoch('2025-03-01 10:20:59') * 1000 + 999, 'crm'),
    (6, 1, 1, 1, unixepoch('2025-03-01 10:21:00') * 1000, 'desk'),
    (7, 2, 4, 3, unixepoch('2025-03-01 10:21:00') * 1000, 'crm'),
    (8, 1, 999, 3, unixepoch('2025-03-01 10:21:30') * 1000, 'crm'),
    (9, 77, 1, 1, unixepoch('2025-03-02 00:00:00') * 1000, 'gone');
update sqlite_sequence set seq = 40 where name = 'send';

-- The digests are of the secrets surveyd_NAME: surveyd_crm, surveyd_ops and so on; that of token 6 is of surveyd_gone.
insert into token (id, name, role, digest, created_at, expires_at, revoked_at) values
    (1, 'crm', 'INTEGRATOR', x'0325c0ba9a2389a1b73299535aa5f7eb37b31e4124be90740a510fb07e532731',
        unixepoch('2025-01-01') * 1000, null, null),
    (2, 'ops', 'ADMIN', x'2ef83f4ca91aad973b585eba4e5f7e4065416568f3bf11b924cf960747465578',
        unixepoch('2025-01-01') * 1000, unixepoch('9999-12-31') * 1000, null),
    (3, 'desk', 'OPERATOR', x'558c325da3bdc57e4d78d803968f3e136912196e19c41c2031486f866cad3d8d',
        unixepoch('2025-01-02') * 1000, null, null),
    (4, 'boss', 'SUPERVISOR', x'ee424f8821f87427cee93402b27b36edc24cc55a162e21f2c4d2b044d90680dc',
        unixepoch('2025-01-02') * 1000, null, null),
    (5, 'late', 'INTEGRATOR', x'eef0dda90bf1be6a18997ae52118594c63a9c826e2d7817199e4d7eaf5c16811',
        unixepoch('2025-01-02') * 1000, unixepoch('2025-01-03') * 1000, null),
    -- Its name belongs to another token since.
    (6, 'crm', 'INTEGRATOR', x'545ab60b2a19c2444bf6c69abc77acd1fbac81b2c6d3698134a25fccca02e534',
        unixepoch('2025-01-01') * 1000, unixepoch('9999-12-31') * 1000, unixepoch('2025-01-01') * 1000);
update sqlite_sequence set seq = 20 where name = 'token';
