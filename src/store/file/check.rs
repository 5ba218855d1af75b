//! Checks of a file: its pages, its references, and rules that no constraint of `schema.sql` can express.

use std::{iter, path::Path};

use anyhow::{Result, bail};
use rusqlite::{Connection, params_from_iter};

use crate::store::{
    file::{
        constraints::check_constraints,
        contents::Contents,
        error::{FileError, is_read_error},
        migrations::{FileOwner, differences, refuse_foreign},
        open_read_only::ReadOnlyFile,
    },
    now,
};

/// A clock that was set back by less is not reported: time services do that.
const SET_BACK_MS: i64 = 60_000;

/// A statement that returns a sentence for each row that breaks a rule.
struct Check {
    /// The first version of the schema that has the table.
    since: i32,
    /// ?1 is the time.
    sql: String,
}

fn checks() -> Vec<Check> {
    let check = |since, sql: String| Check { since, sql };
    let time = |column: &str| format!("strftime('%Y-%m-%dT%H:%M:%fZ', {column} / 1000.0, 'unixepoch')");
    let in_future = |table: &str, id: &str, done: &str, column: &str| {
        format!(
            "select '{table} ' || {id} || ': {done} in the future, ' || {} || '; look at the clock of this machine'
               from {table} where {column} > ?1 order by {id}",
            time(column)
        )
    };
    let used_up = |table: &str, id: &str| {
        format!(
            "select '{table} ' || max({id}) || ': the counter of ids is below it, so that this id would be used again'
               from {table} having max({id}) > coalesce((select seq from sqlite_sequence where name = '{table}'), 0)"
        )
    };
    vec![
        check(1, "select 'settings: the one row is missing' where not exists (select 1 from settings)".to_owned()),
        check(
            1,
            "select 'schema_version: it says ' || coalesce(max(version), 'nothing') || ', and the file ' || user_version
               from schema_version, pragma_user_version group by user_version
             having max(version) is not user_version"
                .to_owned(),
        ),
        check(
            1,
            format!(
                "select 'thread ' || id || ': it changed ' || {} || ', before it began ' || {}
                   from thread where state_change_time < start_time order by id",
                time("state_change_time"),
                time("start_time")
            ),
        ),
        check(1, used_up("send", "sending_id")),
        check(1, used_up("token", "id")),
        check(3, used_up("audit", "id")),
        check(1, in_future("send", "sending_id", "sent", "sent_at")),
        check(1, in_future("token", "id", "made", "created_at")),
        check(
            1,
            format!(
                "select 'send ' || sending_id || ': sent ' || {} || ', after send ' || before || ' but dated before its '
                        || {} || '; the clock was set back'
                   from (select sending_id, sent_at, lag(sending_id) over by_id as before, lag(sent_at) over by_id as time_before
                           from send window by_id as (order by sending_id))
                  where sent_at < time_before - {SET_BACK_MS}",
                time("sent_at"),
                time("time_before")
            ),
        ),
        check(
            2,
            "select 'idempotency_key ' || quote(key) || ' of ' || holder || ': there is no send ' || sending_id
               from idempotency_key k where not exists (select 1 from send where sending_id = k.sending_id)
              order by 1"
                .to_owned(),
        ),
        check(
            3,
            "select 'delivery ' || sending_id || ': there is no such send'
               from delivery d where not exists (select 1 from send where sending_id = d.sending_id) order by sending_id"
                .to_owned(),
        ),
        check(
            3,
            "select 'delivery ' || sending_id || ': it is pending, and there is no channel ' || channel_id
               from delivery d where state = 'pending' and not exists (select 1 from channel where id = d.channel_id)
              order by sending_id"
                .to_owned(),
        ),
    ]
}

/// What a check found.
pub(crate) enum Checked {
    /// Nothing is wrong with the file.
    Sound(Contents),
    /// How many problems it has.
    Problems(u64),
}

/// Calls `report` with a sentence for each problem of the file. A server may run on it.
///
/// Errors: the file cannot be read at all; one sentence that names it and the way out.
pub(crate) fn check(database: &Path, report: &mut dyn FnMut(&str)) -> Result<Checked> {
    let (file, owner) = ReadOnlyFile::open_snapshot(database)?;
    refuse_foreign(&owner, database)?;
    let FileOwner::Surveyd(version) = owner else {
        bail!("the database {} is empty: there is nothing to check", database.display());
    };
    let mut found = 0;
    let mut report = |sentence: String| {
        found += 1;
        report(&sentence.replace('\n', " "));
    };
    let differences = differences(&file.connection, version).map_err(|error| error.explain(database))?;
    let looked = if differences.is_empty() {
        look(&file.connection, version, &mut report)
    } else {
        // What follows runs expressions of the schema, which could be without end.
        differences.into_iter().for_each(&mut report);
        report("the rest is not checked, because the schema is not that of surveyd".to_owned());
        Ok(())
    };
    match looked.map_err(|error| FileError::from(error).diagnose(database)) {
        Ok(()) => {}
        // Nothing is known of such a file.
        Err(error @ (FileError::Unreadable(_) | FileError::Unusable(_))) => return Err(error.explain(database)),
        // Damage can end the check; what was found before is reported.
        Err(error) => report(format!("the file cannot be read any further: {error}")),
    }
    let checked = if found == 0 {
        let contents = Contents::of(&file.connection, version);
        Checked::Sound(contents.map_err(|error| FileError::from(error).explain(database))?)
    } else {
        Checked::Problems(found)
    };
    file.unchanged.check()?;
    Ok(checked)
}

fn look(connection: &Connection, version: i32, report: &mut dyn FnMut(String)) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("pragma integrity_check(1000000)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let sentence: String = row.get(0)?;
        if is_read_error(&sentence) {
            return Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR), None));
        }
        if sentence != "ok" {
            report(sentence);
        }
    }
    check_constraints(connection, report)?;
    let mut statement =
        connection.prepare("select \"table\", rowid, parent from pragma_foreign_key_check order by 1, 2")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (table, id, parent): (String, Option<i64>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let id = id.map(|id| format!(" {id}")).unwrap_or_default();
        report(format!("{table}{id}: it refers to a {parent} that does not exist"));
    }
    // Taken after the snapshot: the snapshot has no send of a running server that is later than this time.
    let now = now().0;
    for check in checks().iter().filter(|check| check.since <= version) {
        let mut statement = connection.prepare(&check.sql)?;
        let parameters = iter::repeat_n(now, statement.parameter_count());
        let mut rows = statement.query(params_from_iter(parameters))?;
        while let Some(row) = rows.next()? {
            report(row.get(0)?);
        }
    }
    Ok(())
}
