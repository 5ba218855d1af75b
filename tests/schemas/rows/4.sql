-- Version 4 added no column. The actions are those that it had first.

insert into schema_version values (4, unixepoch('2025-04-01 08:00:00') * 1000, '0.0.4');

insert into audit values
    (31, unixepoch('2025-04-01 08:11:00') * 1000, 'cli', null, 'restore', 'database', null,
        '{"backup":"monday.db","revoked":[],"rotated":[],"erased":[]}');
