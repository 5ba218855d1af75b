//! The audit: who changed what. Every change goes through [`run`], which records its audit entries in the same transaction.

mod author;
mod difference;
mod list;

use rusqlite::{Connection, TransactionBehavior, params};
use serde::Serialize;

pub(crate) use self::list::{AuditFilter, AuditRow};
pub(super) use self::{
    author::{Actor, reserved_as},
    list::list,
};
use crate::store::write::batch::CommitEffect;
use crate::store::{LocalDatabase, Store, error::StoreError, file::commit::commit, now};
use crate::survey::time::Time;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Create,
    Change,
    Delete,
    Rotate,
    Revoke,
    Retry,
    Apply,
    Import,
    Erase,
    Empty,
    Sweep,
    Restore,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Delete => "delete",
            Self::Rotate => "rotate",
            Self::Revoke => "revoke",
            Self::Retry => "retry",
            Self::Apply => "apply",
            Self::Import => "import",
            Self::Erase => "erase",
            Self::Empty => "empty",
            Self::Sweep => "sweep",
            Self::Restore => "restore",
        }
    }
}

/// What the audit records of a change: the object as the admin routes call it, and its JSON before and after.
#[derive(Debug)]
pub(super) struct AuditEntry {
    action: Action,
    object: String,
    before: Option<String>,
    after: Option<String>,
}

impl AuditEntry {
    pub(super) fn new<T: Serialize>(
        action: Action,
        object: impl Into<String>,
        before: Option<&T>,
        after: Option<&T>,
    ) -> Result<Self, StoreError> {
        let json = |value: Option<&T>| value.map(serde_json::to_string).transpose();
        let error = |error: serde_json::Error| StoreError::Internal(error.to_string());
        let (before, after) = (json(before).map_err(error)?, json(after).map_err(error)?);
        Ok(Self { action, object: object.into(), before, after })
    }

    /// The same for an object that is created, changed or deleted; none if it is as it was.
    pub(super) fn of_row<T: Serialize>(
        object: impl Into<String>,
        before: Option<&T>,
        after: Option<&T>,
    ) -> Result<Option<Self>, StoreError> {
        let action = match (before, after) {
            (None, _) => Action::Create,
            (_, None) => Action::Delete,
            _ => Action::Change,
        };
        let entry = Self::new(action, object, before, after)?;
        Ok((entry.before != entry.after).then_some(entry))
    }
}

/// The result of a change, and its audit entries. A change that left everything as it was has none.
#[derive(Debug)]
#[must_use]
pub(super) struct Changed<T> {
    value: T,
    entries: Vec<AuditEntry>,
}

impl<T> Changed<T> {
    /// A change that did nothing.
    pub(super) fn nothing(value: T) -> Self {
        Self { value, entries: Vec::new() }
    }

    pub(super) fn audited(value: T, entries: impl IntoIterator<Item = AuditEntry>) -> Self {
        Self { value, entries: entries.into_iter().collect() }
    }

    /// The same change with one more entry.
    pub(super) fn and(mut self, entry: AuditEntry) -> Self {
        self.entries.push(entry);
        self
    }

    /// The same change with another result.
    pub(super) fn map<U>(self, map: impl FnOnce(T) -> U) -> Changed<U> {
        Changed { value: map(self.value), entries: self.entries }
    }

    /// The result, before it is recorded.
    pub(super) fn value(&self) -> &T {
        &self.value
    }

    /// The result without an audit: for a file that is being made.
    pub(super) fn unaudited(self) -> T {
        self.value
    }
}

/// Runs a change inside the open transaction, and records the actor and what the change did.
pub(super) fn run<T, E: From<StoreError>>(
    connection: &Connection,
    actor: &Actor,
    now: Time,
    change: impl FnOnce(&Connection) -> Result<Changed<T>, E>,
) -> Result<T, E> {
    let Changed { value, entries } = change(connection)?;
    for entry in entries {
        write(connection, actor, now, &entry)?;
    }
    Ok(value)
}

fn write(connection: &Connection, actor: &Actor, now: Time, entry: &AuditEntry) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "insert into audit (at, who, address, action, object, before, after) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            now.0,
            actor.who(),
            actor.address(),
            entry.action.as_str(),
            entry.object,
            entry.before,
            entry.after
        ])?;
    Ok(())
}

impl Store {
    /// Runs a change that no caller asks for, or that a caller has begun, and records it in the audit, both or neither. A
    /// caller's change is [`AuthorizedStore::change`](crate::store::authorized::AuthorizedStore::change).
    pub(super) async fn change_as<T: Send + 'static>(
        &self,
        effect: CommitEffect,
        actor: Actor,
        change: impl FnOnce(&Connection) -> Result<Changed<T>, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let clock = self.clock.clone();
        self.writer.change(effect, move |batch| run(batch.connection, &actor, clock.now(), change)).await
    }
}

impl LocalDatabase {
    /// Runs a change and records it in the audit, both in one transaction.
    pub(super) fn transact<T, E: From<StoreError>>(
        &mut self,
        change: impl FnOnce(&Connection) -> Result<Changed<T>, E>,
    ) -> Result<T, E> {
        let begun = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = begun.map_err(StoreError::from)?;
        let value = run(&transaction, &Actor::command(), now(), change)?;
        commit(&transaction)?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::file::open::open_in_memory;

    #[test]
    fn a_row_never_changes_and_never_goes() {
        let connection = open_in_memory().expect("a database");
        let change = |_: &Connection| {
            let entry = AuditEntry::of_row("settings", None, Some(&1))?;
            Ok::<_, StoreError>(Changed::audited((), entry))
        };
        run(&connection, &Actor::retention(), Time(7), change).expect("a row");
        for (statement, expected) in [
            ("update audit set who = 'nobody'", "a row of the audit never changes"),
            ("delete from audit", "a row of the audit never goes"),
            (
                "insert or replace into audit values (1, 0, 'nobody', null, 'create', 'settings', null, null)",
                "a row of the audit is never replaced",
            ),
        ] {
            let error = connection.execute(statement, []).expect_err("it must be refused");
            assert_eq!(error.to_string(), expected, "{statement}");
        }
        let rows =
            serde_json::to_string(&list(&connection, &AuditFilter::default(), 9).expect("a list")).expect("JSON");
        assert_eq!(
            rows,
            r#"[{"id":1,"at":"1970-01-01T00:00:00.007Z","who":"retention","address":null,"action":"create","object":"settings","before":null,"after":1}]"#
        );
    }
}
