-- What version 2 added: phones and idempotency keys.

insert into schema_version values (2, unixepoch('2025-02-01 08:00:00') * 1000, '0.0.2');

-- Two clients share a phone.
update client set phone = '+7 842 349-32-34' where id in (1, 2);
update client set phone = replace(hex(zeroblob(64)), '00', '😀') where id = 9223372036854775807;
update client set phone = '0' where id = -9223372036854775808;

-- The digests are of `client 1 1`, `external 1 crm-1` and `thread 1 1`: what was asked for, and the form.
insert into idempotency_key values
    ('1 crm', 'old', x'60000a986410045e9293c3e7fb19b25b631203ffd01604ab21cb0aa33a5b848d', 4,
        unixepoch('2025-03-01 10:20:00') * 1000),
    ('1 crm', replace(hex(zeroblob(255)), '00', '~'), x'717493334ef65fc8c4a4db44b203fd9ab003c15c9d400024591f1e3e040231b0', 5,
        unixepoch('2025-03-01 10:20:59') * 1000 + 999),
    ('3 desk', 'old', x'b10df7122a9206a1e0ea095cb13904a6e044b74be96b0525008e10511703fcfd', 6,
        unixepoch('2025-03-01 10:21:00') * 1000);
