//! What a restore keeps of the database that it replaces: revocations, rotations, erasures, and the counters of ids. Without it,
//! a revoked token would be valid again, an erased person back, and an id given out twice.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use crate::store::{
    LocalDatabase,
    audit::{Action, AuditEntry, Changed},
    erasure::erasures,
    error::StoreError,
    tokens::carry_over::{CarriedOver, StoredToken, stored},
};
use crate::survey::{ids::ClientId, time::Time};

/// What a restore looks at in a database.
pub(super) struct Facts {
    /// The version and the time with which the file began: the same in all copies of one database.
    origin: Option<(i64, i64)>,
    /// The last id of each list whose ids are never used again.
    counters: BTreeMap<String, i64>,
    tokens: BTreeMap<i64, StoredToken>,
    erasures: BTreeSet<(i64, i64, ClientId)>,
    /// Rows of the audit up to this one were deleted because of their age.
    swept_through: i64,
}

impl Facts {
    /// Reads them from a file of this version of the schema, which must be that of surveyd.
    pub(super) fn read(connection: &Connection, version: i32) -> Result<Self, StoreError> {
        let origin = "select version, applied_at from schema_version order by version limit 1";
        let origin = connection.query_row(origin, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let mut statement = connection.prepare("select name, seq from sqlite_sequence")?;
        let counters = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        let has_audit = version >= 3;
        let swept = "select coalesce(max(through), 0) from audit_swept";
        Ok(Self {
            origin,
            counters,
            tokens: stored(connection, version)?,
            erasures: if has_audit { erasures(connection)? } else { BTreeSet::new() },
            swept_through: if has_audit { connection.query_row(swept, [], |row| row.get(0))? } else { 0 },
        })
    }

    fn counter(&self, list: &str) -> i64 {
        self.counters.get(list).copied().unwrap_or_default()
    }

    /// The clients who were erased here and not in the backup. A client who was erased in both since the backup was made is the
    /// same one, and may have been made anew in the backup.
    fn erased_since(&self, backup: &Self) -> BTreeSet<ClientId> {
        let only_in = |one: &Self, other: &Self| -> BTreeSet<ClientId> {
            one.erasures.difference(&other.erasures).map(|(_, _, client)| *client).collect()
        };
        &only_in(self, backup) - &only_in(backup, self)
    }
}

/// A token in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct NamedToken {
    pub(crate) id: i64,
    pub(crate) name: String,
}

impl From<&StoredToken> for NamedToken {
    fn from(token: &StoredToken) -> Self {
        Self { id: token.id, name: token.name.clone() }
    }
}

/// Sends that only the replaced database has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LostSends {
    pub(crate) count: i64,
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) from: Time,
    pub(crate) to: Time,
}

/// What a restore carried over, and what is lost. The audit records it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// As it was named.
    pub(crate) backup: String,
    /// Why nothing was carried over; none if there was nothing to carry over, or if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_carried_over: Option<String>,
    pub(crate) revoked: Vec<NamedToken>,
    pub(crate) rotated: Vec<NamedToken>,
    pub(crate) erased: Vec<ClientId>,
    pub(crate) lost_sends: Option<LostSends>,
    pub(crate) lost_tokens: Vec<NamedToken>,
    /// Rows of the audit that only the replaced database has, without those about restores.
    pub(crate) lost_changes: i64,
    /// Whether there may be erasures that are not known, because the rows of the audit were too old and are deleted.
    pub(crate) may_lack_erasures: bool,
}

/// Counts what only the database to be replaced has.
pub(super) fn count_lost(
    old: &Connection,
    version: i32,
    backup: &Facts,
    report: &mut Report,
) -> Result<(), StoreError> {
    let sends = "select count(*), min(sending_id), max(sending_id), min(sent_at), max(sent_at)
                   from send where sending_id > ?1 having count(*) > 0";
    let lost = |row: &rusqlite::Row<'_>| {
        let (from, to) = (Time(row.get(3)?), Time(row.get(4)?));
        Ok(LostSends { count: row.get(0)?, first: row.get(1)?, last: row.get(2)?, from, to })
    };
    report.lost_sends = old.query_row(sends, [backup.counter("send")], lost).optional()?;
    if version >= 3 {
        let changes = "select count(*) from audit where id > ?1 and action <> 'restore'";
        report.lost_changes = old.query_row(changes, [backup.counter("audit")], |row| row.get(0))?;
    }
    Ok(())
}

/// Carries over from the database to be replaced (`old`) to the copy of the backup, and records it there.
pub(super) fn carry_over(copy: &mut LocalDatabase, old: &Facts, own: &Facts, report: &mut Report) -> Result<()> {
    // First, because the audit must not use ids again either.
    copy.transact(|connection| raise_counters(connection, &old.counters)).map_err(|error| error.explain(&copy.path))?;
    if old.origin != own.origin {
        report.not_carried_over = Some("it is not a copy of the same database".to_owned());
        return Ok(());
    }
    for token in old.tokens.values() {
        match copy.carry_token_over(token, own.tokens.get(&token.id))? {
            Some(CarriedOver::Revoked) => report.revoked.push(token.into()),
            Some(CarriedOver::Rotated) => report.rotated.push(token.into()),
            None if !token.is_revoked() && own.tokens.get(&token.id).is_none_or(|own| !own.is_same(token)) => {
                report.lost_tokens.push(token.into());
            }
            None => {}
        }
    }
    for client in old.erased_since(own) {
        copy.erase_again(client)?;
        report.erased.push(client);
    }
    report.may_lack_erasures = old.swept_through > own.counter("audit");
    Ok(())
}

fn raise_counters(connection: &Connection, counters: &BTreeMap<String, i64>) -> Result<Changed<()>, StoreError> {
    let mut raise = connection.prepare("update sqlite_sequence set seq = max(seq, ?2) where name = ?1")?;
    // A list that never had a row has no counter.
    let mut begin = connection.prepare("insert into sqlite_sequence (name, seq) values (?1, ?2)")?;
    for counter in counters {
        if raise.execute(counter)? == 0 {
            begin.execute(counter)?;
        }
    }
    Ok(Changed::nothing(()))
}

/// Records the restore in the audit.
pub(super) fn record(copy: &mut LocalDatabase, report: &Report) -> Result<()> {
    let entry = |_: &Connection| {
        Ok::<_, StoreError>(Changed::audited((), [AuditEntry::new(Action::Restore, "database", None, Some(report))?]))
    };
    copy.transact(entry).map_err(|error| error.explain(&copy.path))
}
