-- From version 3 to 4; schema.sql explains the tables and columns. Both changes are for the SQLite of other programs.

-- In SQLite 3.40 `json_valid(null)` is 0 and not null, so that its integrity check found fault with each row of the audit.
-- Only the text of the checks changes, by the way that migration 3 used: the rows stay where they are, and the triggers that
-- keep them from changing stay on.
pragma writable_schema = on;
update sqlite_schema
   set sql = replace(replace(sql, 'check (json_valid(before))', 'check (before is null or json_valid(before))'),
                                  'check (json_valid(after))', 'check (after is null or json_valid(after))')
 where type = 'table' and name = 'audit';
pragma writable_schema = reset;

-- `unixepoch` is not in SQLite 3.37, the first with STRICT tables.
drop trigger audit_swept_leaves_a_day;
create trigger audit_swept_leaves_a_day before update on audit_swept
    when exists (select 1 from audit where id <= new.through and at > (strftime('%s', 'now') - 86400) * 1000)
    begin select raise(abort, 'a day of the audit is always kept'); end;
